namespace Sluice.Hosting;

/// <summary>The messages of a host. Their numbers and levels are stable: docs/hosting.md lists them. No message has an item.</summary>
internal static partial class HostLog
{
    [LoggerMessage(1, LogLevel.Information, "Sluice uses the store {Store}")]
    public static partial void Opened(ILogger log, string store);

    [LoggerMessage(2, LogLevel.Information, "Started {Unit}")]
    public static partial void Started(ILogger log, string unit);

    [LoggerMessage(3, LogLevel.Information, "Stopped {Unit}: everything in flight has ended")]
    public static partial void Stopped(ILogger log, string unit);

    [LoggerMessage(4, LogLevel.Warning,
        "Stopped {Unit} before everything in flight had ended; {Rest}")]
    public static partial void CutShort(ILogger log, string unit, string rest);

    [LoggerMessage(5, LogLevel.Warning, "{Warning}")]
    public static partial void Warned(ILogger log, string warning);

    [LoggerMessage(6, LogLevel.Critical, "Failed for good: {Unit}{Where}; the host stops")]
    public static partial void FailedAndStops(ILogger log, string unit, string where, Exception failure);

    [LoggerMessage(7, LogLevel.Error, "Failed for good: {Unit}{Where}; the host goes on without it")]
    public static partial void Failed(ILogger log, string unit, string where, Exception failure);

    [LoggerMessage(8, LogLevel.Warning, "Not every processor was handed over in the time that the host has for stopping: {Processors}. "
        + "A warning of the supervisor says why")]
    public static partial void HandedOverTooLate(ILogger log, string processors);

    [LoggerMessage(9, LogLevel.Information, "{Unit} has ended")]
    public static partial void Ended(ILogger log, string unit);

    [LoggerMessage(10, LogLevel.Warning, "Failed while the host stopped: {Unit}{Where}")]
    public static partial void FailedWhileStopping(ILogger log, string unit, string where, Exception failure);

    [LoggerMessage(11, LogLevel.Error, "The stop of {Unit} has failed; the host stops the rest")]
    public static partial void FailedToStop(ILogger log, string unit, Exception failure);

    [LoggerMessage(12, LogLevel.Warning,
        "{Unit} did not stop in its time; the host goes on stopping without it. Its code does not heed its CancellationToken")]
    public static partial void LeftBehind(ILogger log, string unit);

    [LoggerMessage(13, LogLevel.Error, "A request for the consecutor {Consecutor} could not be accepted")]
    public static partial void RequestFailed(ILogger log, string consecutor, Exception failure);

    [LoggerMessage(14, LogLevel.Warning, "No store is named: what this host accepts is in memory, and is lost when the process ends. Set "
        + "Sluice:Store, for example to sqlite:orders.db, or call UseSqlite, UseRedis or UsePostgres; call UseMemory if that is meant")]
    public static partial void InMemory(ILogger log);

    [LoggerMessage(15, LogLevel.Warning, "AddSluice was called with a store more than once; the store of the last call is used, unless "
        + "Sluice:Store names another. A host has one store")]
    public static partial void StoreReplaced(ILogger log);

    [LoggerMessage(16, LogLevel.Warning, "{Name} is no setting, so it has no effect. In the environment, a setting has two underscores "
        + "where its path has a colon: {Correct}")]
    public static partial void SettingIgnored(ILogger log, string name, string correct);

    [LoggerMessage(17, LogLevel.Debug, "{Details}")]
    public static partial void Detailed(ILogger log, string details);

    [LoggerMessage(18, LogLevel.Error, "The host did not start, and stopping what it had started failed")]
    public static partial void FailedStartNotUndone(ILogger log, Exception failure);
}
