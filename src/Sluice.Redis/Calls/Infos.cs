namespace Sluice.Redis;

/// <summary>Converts replies to streams, groups, readers and members.</summary>
internal static class Infos
{
    private const int Marks = 14;                    // the number of marks of a partition

    /// <summary>Returns a stream from its pages, and adds up its waiting entries.</summary>
    public static StreamInfo Stream(IReadOnlyList<Reply> pages)
    {
        Reply first = pages[0];
        var options = new StreamOptions
        {
            Partitions = first[1].Int,
            MaxItems = first[2].Long,
            MaxBytes = first[3].Long,
            MaxEntryBytes = first[4].Int,
            Retention = first[5].IsOne ? Retention.All : Retention.UntilRead,
        };
        var groups = pages.SelectMany(page => page[10].Items).GroupBy(group => group[0].Name, StringComparer.Ordinal)
            .Select(parts => new GroupBacklog(parts.Key, parts.Last()[1].Long, parts.Sum(part => part[2].Long), parts.Last()[3].Long)
            { PausedAt = Pause(parts.Last()[4]), IsDraining = parts.Last()[5].IsOne });
        return new(first[0].Name, options, ReadEnd(first[7]), pages.Sum(page => page[8].Long), pages.Sum(page => page[9].Long),
            first[12].Long,
            [.. groups.OrderBy(group => group.Name, StringComparer.Ordinal)],
            [.. pages.SelectMany(page => page[11].Items).Select(Reader).OrderBy(reader => reader.Name, StringComparer.Ordinal)]);
    }

    public static ReaderInfo Reader(Reply reply) => new(
        reply[0].Name,
        new()
        {
            Start = reply[1].Text == "1" ? StreamStart.New : StreamStart.First,
            IdleTimeout = reply[2].Text.Length == 0 ? null
            : reply[2].Span,
            AppliesBackpressure = reply[3].Text == "1"
        },
        [.. reply[5].Items.Select(place => Place(place, reply[1].Text == "1"))], reply[4].Long);

    // The start of a reader or group in a partition where it has not moved: the log's marks at its creation, as "new" and the partition, or
    // as "tail trimmed sum gone" and a
    // checksum. Null for anything else.
    private static long? Beginning(Reply marks, bool isNew) => marks.IsNull ? null : marks.Text.Split(' ') switch
    {
        ["new", _] => 0,
        { Length: 5 } words when TryRead(words[isNew ? 0 : 1], out long before) => before,
        _ => null,
    };

    private static long Place(Reply place, bool isNew) => Beginning(place, isNew) + 1 ?? place.Long;

    /// <summary>Returns a group from its pages.</summary>
    public static GroupInfo Group(IReadOnlyList<Reply> pages)
    {
        Dictionary<string, MemberInfo> members = new(StringComparer.Ordinal);             // pages of members may overlap
        List<PartitionInfo> partitions = [];
        foreach (Reply page in pages)
        {
            Reply marks = page[2], logs = page[3];
            Reply[] of = [.. marks.Items], tails = [.. logs.Items];
            for (int i = 0; i < of.Length; i++) partitions.Add(Partition(partitions.Count, of[i], tails[i], page[6].IsOne));
            Reply[] beats = [.. page[0].Items];
            for (int i = 0; i + 1 < beats.Length; i += 2) members[beats[i].Name] = Member(beats[i].Name, beats[i + 1]);
        }
        return new(
            [.. members.Values.OrderBy(member => member.Name, StringComparer.Ordinal)],
            partitions, Name(pages[0][4]), pages[0][5].Long)
        { PausedAt = Pause(pages[0][8]), IsDraining = pages[0][9].IsOne };
    }

    /// <summary>When a group was paused; empty if it was not.</summary>
    public static DateTimeOffset? Pause(Reply reply) => reply.Text.Length == 0 ? null : reply.Time;

    // Stored marks of a partition: the numbers of MARKS in the scripts, the owner behind a colon, a checksum. Marks of a log begin with the
    // tail. A damaged partition has no owner in
    // this listing, so that the others are visible; acquiring it reports the damage.
    private static PartitionInfo Partition(int number, Reply marks, Reply log, bool isNew)
    {
        long tail = Beginning(log, true) ?? 0;
        if (Beginning(marks, isNew) is { } before) return new(number, 0, null, 0, tail, before, before, 0);
        string[] words = marks.IsNull ? [] : marks.Text.Split(' ');
        string[] owner = words.Length == Marks + 2 ? words[Marks].Split(':') : [];
        bool isSound = owner.Length == 3 || (owner.Length == 1 && owner[0].Length == 0);
        Span<long> numbers = stackalloc long[Marks];
        for (int i = 0; isSound && i < Marks; i++) isSound = TryRead(words[i], out numbers[i]);
        return isSound
            ? new(number, numbers[3], owner.Length == 1 ? null : Names.Decode(owner[1]), (int)numbers[4], tail, numbers[6], numbers[7],
            numbers[0] - numbers[1])
            { InFlightAgain = numbers[1] }
            : new(number, 0, null, 0, tail, 0, 0, 0);
    }

    private static bool TryRead(string text, out long number)
        => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    /// <summary>Parses a stored member: "heartbeats:lease duration in microseconds:instance".</summary>
    public static MemberInfo Member(string name, Reply stored)
    {
        string[] parts = stored.Text.Split(':');
        return parts.Length == 3 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out long beats)
            && long.TryParse(parts[1], CultureInfo.InvariantCulture, out long lease)
            && lease is >= 0 and <= long.MaxValue / TimeSpan.TicksPerMicrosecond
            ? new(name, beats, Names.Decode(parts[2]), TimeSpan.FromTicks(lease * TimeSpan.TicksPerMicrosecond))
            : throw stored.Unreadable($"the heartbeat of the member {name}");
    }

    // An end is stored as one letter, followed by the failure.
    public static string Write(StreamEnd end) => end.Failure is null ? "C" : $"F{end.Failure}";

    public static StreamEnd? ReadEnd(Reply reply) => reply.TextOrNull switch
    {
        null => null,
        "C" => StreamEnd.Complete,
        ['F', ..] and var text => new(text[1..]),
        _ => throw reply.Unreadable("the end of a stream"),
    };

    private static string? Name(Reply reply) => reply.IsNull ? null : reply.Name;
}
