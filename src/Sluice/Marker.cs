namespace Sluice;

/// <summary>Scaffold only.</summary>
public static class Marker;
