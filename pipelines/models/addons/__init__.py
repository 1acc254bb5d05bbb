"""Files of LoRAs, ControlNets, IP-Adapters, upscalers and learned words."""
