namespace Foobar;

/// <summary>What the processor gets from the container.</summary>
internal sealed record Multiplier(int Value);
