namespace Sluice.Hosting.Tests.Http;

/// <summary>The items of these tests.</summary>
public sealed record Order(string? Id, int Quantity);
