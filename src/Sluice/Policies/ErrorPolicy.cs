namespace Sluice;

/// <summary>The handling of an item whose stage failed for good, that is, after its retries.</summary>
public enum ErrorPolicy
{
    /// <summary>The run stops and reports the failure. The default.</summary>
    Stop,

    /// <summary>The item is dropped and counted as failed; the run goes on.</summary>
    Skip,

    /// <summary>The item becomes a dead letter of the run, with its failure; the run goes on.</summary>
    DeadLetter,
}
