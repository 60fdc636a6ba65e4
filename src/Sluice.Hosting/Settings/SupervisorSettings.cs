using Sluice.Flows;

namespace Sluice.Hosting;

/// <summary>Reads <c>Sluice:Supervisor</c> over the options that the code gives.</summary>
internal static class SupervisorSettings
{
    public static SupervisorOptions Read(SettingsReader read, SupervisorOptions options)
    {
        options = read.Set(options, "Name", SettingsReader.Name, "a name", static (o, v) => o with { Name = v.Text });
        options = read.Set(options, "LeaseDuration", SettingsReader.Time, SettingsReader.Duration, static (o, v) => o with { LeaseDuration = v });
        options = read.Set(options, "MaxConcurrency", SettingsReader.Number, SettingsReader.Whole,
            static (o, v) => o with { MaxConcurrency = v });
        options = read.Set(options, "MaxStarts", SettingsReader.Number, SettingsReader.Whole, static (o, v) => o with { MaxStarts = v });
        options = read.Set(options, "ReaderTimeout", SettingsReader.Time, SettingsReader.Duration,
            static (o, v) => o with { ReaderTimeout = v });
        options = read.Set(options, "ResultRetentionDuration", SettingsReader.Time, SettingsReader.Duration,
            static (o, v) => o with { ResultRetentionDuration = v });
        options = read.Set(options, "RunRetentionDuration", SettingsReader.Time, SettingsReader.Duration,
            static (o, v) => o with { RunRetentionDuration = v });
        read.RefuseOthers();
        return options;
    }
}
