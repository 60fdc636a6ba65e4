namespace Sluice.Flows;

/// <summary>Takes reports of a processor that waits long for room in a stream.</summary>
internal interface IStallReports
{
    /// <summary>The wait for room after which the processor reports it; grows with each report.</summary>
    TimeSpan ReportInterval { get; }

    /// <param name="stream">The stream without room.</param>
    /// <param name="waited">How long the processor has waited in all.</param>
    Task TellStuckAsync(string stream, TimeSpan waited);

    /// <summary>Reports that the processor is no longer stuck. Never throws.</summary>
    Task TellMovingAsync();
}
