using System.Globalization;

namespace Sluice.Hosting;

/// <summary>Reads <c>Sluice:Consecutors:NAME</c> over the options that the code gives.</summary>
internal static class ConsecutorSettings
{
    public static ConsecutorOptions Read(SettingsReader read, ConsecutorOptions options)
    {
        options = read.Set(options, "Delivery", Delivery, "none, confirm, 'track N' or 'replay N'",
            static (o, v) => o with { Delivery = v.Guarantee });
        options = read.Number(options, "MaxInFlight", static (o, v) => o with { MaxInFlight = v });
        options = read.Count(options, "MaxOutputBytes", static (o, v) => o with { MaxOutputBytes = v });
        options = read.Duration(options, "CommitInterval", static (o, v) => o with { CommitInterval = v });
        options = read.Duration(options, "LeaseDuration", static (o, v) => o with { LeaseDuration = v });
        options = read.Name(options, "InstanceId", static (o, v) => o with { InstanceId = v });
        options = read.Number(options, "CodeVersion", static (o, v) => o with { CodeVersion = v });
        options = read.Choice(options, "OnDamage", static (ConsecutorOptions o, DamagePolicy v) => o with { OnDamage = v });
        options = Stream(read.Section("Stream"), options);
        options = Run(read.Section("Run"), options);
        read.RefuseOthers();
        return options;
    }

    private static ConsecutorOptions Stream(SettingsReader read, ConsecutorOptions options)
    {
        options = read.Number(options, "Partitions", static (o, v) => o with { Stream = Checked(o.Stream with { Partitions = v }) });
        options = read.Count(options, "MaxItems", static (o, v) => o with { Stream = Checked(o.Stream with { MaxItems = v }) });
        options = read.Count(options, "MaxBytes", static (o, v) => o with { Stream = Checked(o.Stream with { MaxBytes = v }) });
        options = read.Number(options, "MaxEntryBytes", static (o, v) => o with { Stream = Checked(o.Stream with { MaxEntryBytes = v }) });
        read.RefuseOthers();
        return options;
    }

    private static ConsecutorOptions Run(SettingsReader read, ConsecutorOptions options)
    {
        options = read.Number(options, "MaxBufferedItems", static (o, v) => o with { Run = o.Run with { MaxBufferedItems = v } });
        options = read.Duration(options, "StopTimeout", static (o, v) => o with { Run = o.Run with { StopTimeout = v } });
        options = read.Flag(options, "RecordTimings", static (o, v) => o with { Run = o.Run with { RecordTimings = v } });
        read.RefuseOthers();
        return options;
    }

    private static StreamOptions Checked(StreamOptions stream)
    {
        stream.Check();
        return stream;
    }

    private static Chosen? Delivery(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        int? count = words.Length == 2 && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : null;
        return (words.FirstOrDefault()?.ToUpperInvariant(), words.Length, count) switch
        {
            ("NONE", 1, _) => new(DeliveryGuarantee.None),
            ("CONFIRM", 1, _) => new(DeliveryGuarantee.Confirm),
            ("TRACK", 2, > 0 and { } last) => new(DeliveryGuarantee.Track(last)),
            ("REPLAY", 2, { } times) => new(DeliveryGuarantee.Replay(times)),
            _ => null,
        };
    }

    private readonly record struct Chosen(DeliveryGuarantee Guarantee);
}
