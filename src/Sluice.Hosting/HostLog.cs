namespace Sluice.Hosting;

/// <summary>The messages of a host, with stable numbers. No message has a payload.</summary>
internal static partial class HostLog
{
    [LoggerMessage(1, LogLevel.Information, "Sluice uses the store {Store}")]
    public static partial void Opened(ILogger log, string store);

    [LoggerMessage(2, LogLevel.Information, "Started {Unit}")]
    public static partial void Started(ILogger log, string unit);

    [LoggerMessage(3, LogLevel.Information, "Stopped {Unit}: everything in flight has ended")]
    public static partial void Stopped(ILogger log, string unit);

    [LoggerMessage(4, LogLevel.Warning,
        "Stopped {Unit} before everything in flight had ended; accepted items that have not ended go on with the next start")]
    public static partial void CutShort(ILogger log, string unit);

    [LoggerMessage(5, LogLevel.Warning, "{Warning}")]
    public static partial void Warned(ILogger log, string warning);

    [LoggerMessage(6, LogLevel.Critical, "Failed for good: {Unit}; the host stops")]
    public static partial void FailedAndStops(ILogger log, string unit, Exception failure);

    [LoggerMessage(7, LogLevel.Error, "Failed for good: {Unit}; the host goes on without it")]
    public static partial void Failed(ILogger log, string unit, Exception failure);

    [LoggerMessage(8, LogLevel.Warning, "Not everything was handed over in the time that the host has for stopping: a processor does not "
        + "end although it was cancelled. Others take it over when this service has been silent for the lease duration.")]
    public static partial void HandedOverTooLate(ILogger log);

    [LoggerMessage(9, LogLevel.Information, "{Unit} has ended")]
    public static partial void Ended(ILogger log, string unit);
}
