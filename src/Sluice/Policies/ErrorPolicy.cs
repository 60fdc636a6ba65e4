namespace Sluice;

/// <summary>What happens to an item whose stage has failed for good, that is, after its retries.</summary>
public enum ErrorPolicy
{
    /// <summary>The run stops and surfaces the failure. The default.</summary>
    Stop,

    /// <summary>The item is dropped and counted as failed; the run goes on.</summary>
    Skip,

    /// <summary>The item is kept among the run's dead letters, with its failure; the run goes on.</summary>
    DeadLetter,
}
