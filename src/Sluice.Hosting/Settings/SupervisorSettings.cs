namespace Sluice.Hosting;

/// <summary>Reads <c>Sluice:Supervisor</c> over the options that the code gives.</summary>
internal static class SupervisorSettings
{
    public static SupervisorOptions Read(SettingsReader read, SupervisorOptions options)
    {
        options = read.Name(options, "Name", static (o, v) => o with { Name = v });
        options = read.Duration(options, "LeaseDuration", static (o, v) => o with { LeaseDuration = v });
        options = read.Number(options, "MaxConcurrency", static (o, v) => o with { MaxConcurrency = v });
        options = read.Number(options, "MaxStarts", static (o, v) => o with { MaxStarts = v });
        options = read.Duration(options, "ReaderTimeout", static (o, v) => o with { ReaderTimeout = v });
        options = read.Duration(options, "StopTimeout", static (o, v) => o with { StopTimeout = v });
        options = read.Duration(options, "ResultRetentionDuration", static (o, v) => o with { ResultRetentionDuration = v });
        options = read.Duration(options, "RunRetentionDuration", static (o, v) => o with { RunRetentionDuration = v });
        read.RefuseOthers();
        return options;
    }
}
