global using System.Net;
global using Sluice.Storage;
