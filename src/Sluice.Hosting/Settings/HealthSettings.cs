using Sluice.Flows;

namespace Sluice.Hosting;

/// <summary>Reads <c>Sluice:Health</c> over the limits that the code gives.</summary>
internal static class HealthSettings
{
    public static HealthOptions Read(SettingsReader read, HealthOptions options)
    {
        options = read.Set(options, "MaxBacklog", SettingsReader.Count, SettingsReader.Whole, static (o, v) => o with { MaxBacklog = v });
        options = read.Set(options, "MaxDeadLetters", SettingsReader.Count, SettingsReader.Whole,
            static (o, v) => o with { MaxDeadLetters = v });
        options = read.Set(options, "MaxStalledDuration", SettingsReader.Time, SettingsReader.Duration,
            static (o, v) => o with { MaxStalledDuration = v });
        read.RefuseOthers();
        return options;
    }
}
