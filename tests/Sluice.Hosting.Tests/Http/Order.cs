namespace Sluice.Hosting.Tests.Http;

/// <summary>What is sent in these tests.</summary>
public sealed record Order(string? Id, int Quantity);
