namespace Sluice.Testing;

/// <summary>Scaffold only.</summary>
public static class Marker;
