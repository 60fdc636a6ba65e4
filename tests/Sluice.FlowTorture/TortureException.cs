namespace Sluice.FlowTorture;

/// <summary>What must not happen in a run, in words.</summary>
internal sealed class TortureException(string message) : Exception(message);
