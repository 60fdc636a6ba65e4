namespace Sluice.Flows;

/// <summary>The store refuses what a processor writes, because another host runs the processor now.</summary>
internal sealed class TakenOverException(string message) : OperationCanceledException(message);
