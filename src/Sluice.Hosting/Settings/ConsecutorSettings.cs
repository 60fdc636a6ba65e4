using System.Globalization;

namespace Sluice.Hosting;

/// <summary>Reads <c>Sluice:Consecutors:NAME</c> over the options that the code gives.</summary>
internal static class ConsecutorSettings
{
    public static ConsecutorOptions Read(SettingsReader read, ConsecutorOptions options)
    {
        options = read.Set(options, "Delivery", Delivery, "none, confirm, 'track N' or 'replay N'", static (o, v) => o with { Delivery = v.Guarantee });
        options = read.Set(options, "MaxInFlight", SettingsReader.Number, SettingsReader.Whole, static (o, v) => o with { MaxInFlight = v });
        options = read.Set(options, "MaxOutputBytes", SettingsReader.Count, SettingsReader.Whole, static (o, v) => o with { MaxOutputBytes = v });
        options = read.Set(options, "CommitInterval", SettingsReader.Time, SettingsReader.Duration, static (o, v) => o with { CommitInterval = v });
        options = read.Set(options, "LeaseDuration", SettingsReader.Time, SettingsReader.Duration, static (o, v) => o with { LeaseDuration = v });
        options = read.Set(options, "InstanceId", SettingsReader.Name, "a name", static (o, v) => o with { InstanceId = v.Text });
        options = read.Set(options, "CodeVersion", SettingsReader.Number, SettingsReader.Whole, static (o, v) => o with { CodeVersion = v });
        options = read.Set(options, "OnDamage", SettingsReader.Choice<DamagePolicy>, OneOf<DamagePolicy>(), static (o, v) => o with { OnDamage = v });
        options = Stream(read.Section("Stream"), options);
        options = Run(read.Section("Run"), options);
        read.RefuseOthers();
        return options;
    }

    private static ConsecutorOptions Stream(SettingsReader read, ConsecutorOptions options)
    {
        options = read.Set(options, "Partitions", SettingsReader.Number, SettingsReader.Whole,
            static (o, v) => o with { Stream = Checked(o.Stream with { Partitions = v }) });
        options = read.Set(options, "MaxItems", SettingsReader.Count, SettingsReader.Whole,
            static (o, v) => o with { Stream = Checked(o.Stream with { MaxItems = v }) });
        options = read.Set(options, "MaxBytes", SettingsReader.Count, SettingsReader.Whole,
            static (o, v) => o with { Stream = Checked(o.Stream with { MaxBytes = v }) });
        options = read.Set(options, "MaxEntryBytes", SettingsReader.Number, SettingsReader.Whole,
            static (o, v) => o with { Stream = Checked(o.Stream with { MaxEntryBytes = v }) });
        read.RefuseOthers();
        return options;
    }

    private static ConsecutorOptions Run(SettingsReader read, ConsecutorOptions options)
    {
        options = read.Set(options, "MaxBufferedItems", SettingsReader.Number, SettingsReader.Whole,
            static (o, v) => o with { Run = o.Run with { MaxBufferedItems = v } });
        options = read.Set(options, "StopTimeout", SettingsReader.Time, SettingsReader.Duration,
            static (o, v) => o with { Run = o.Run with { StopTimeout = v } });
        options = read.Set(options, "RecordTimings", SettingsReader.Flag, "true or false",
            static (o, v) => o with { Run = o.Run with { RecordTimings = v } });
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

    private static string OneOf<TEnum>() where TEnum : struct, Enum => $"one of {string.Join(", ", Enum.GetNames<TEnum>())}";

    private readonly record struct Chosen(DeliveryGuarantee Guarantee);
}
