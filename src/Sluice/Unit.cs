namespace Sluice;

/// <summary>What comes out of a sink, or of a step without a result: nothing. A sink is a pipe of this output type.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1815", Justification = "There is one value of it.")]
public readonly struct Unit;
