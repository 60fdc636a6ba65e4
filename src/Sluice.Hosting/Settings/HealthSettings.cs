namespace Sluice.Hosting;

/// <summary>Reads <c>Sluice:Health</c> over the limits that the code gives.</summary>
internal static class HealthSettings
{
    public static HealthOptions Read(SettingsReader read, HealthOptions options)
    {
        options = read.Count(options, "MaxBacklog", static (o, v) => o with { MaxBacklog = v });
        options = read.Count(options, "MaxDeadLetters", static (o, v) => o with { MaxDeadLetters = v });
        options = read.Duration(options, "MaxStalledDuration", static (o, v) => o with { MaxStalledDuration = v });
        options = read.Duration(options, "MaxGrowingDuration", static (o, v) => o with { MaxGrowingDuration = v });
        options = read.Duration(options, "MaxOutstandingDuration", static (o, v) => o with { MaxOutstandingDuration = v });
        options = read.Duration(options, "StoreTimeout", static (o, v) => o with { StoreTimeout = v });
        read.RefuseOthers();
        return options;
    }
}
