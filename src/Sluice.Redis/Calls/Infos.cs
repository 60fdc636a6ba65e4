using System.Globalization;

namespace Sluice.Redis;

/// <summary>Streams, groups and readers as they are told.</summary>
internal static class Infos
{
    public static StreamInfo Stream(Reply reply)
    {
        var options = new StreamOptions
        {
            Partitions = reply[1].Int,
            MaxItems = long.Parse(reply[2].Text, CultureInfo.InvariantCulture),
            MaxBytes = long.Parse(reply[3].Text, CultureInfo.InvariantCulture),
            MaxEntryBytes = reply[4].Int,
            Retention = reply[5].IsOne ? Retention.All : Retention.UntilRead,
        };
        return new(reply[0].Name, options, ReadEnd(reply[7]), reply[8].Long, reply[9].Long, reply[12].Long,
            [.. reply[10].Items.Select(group => new GroupBacklog(group[0].Name, group[1].Long, group[2].Long, group[3].Long)).OrderBy(group => group.Name, StringComparer.Ordinal)],
            [.. reply[11].Items.Select(Reader).OrderBy(reader => reader.Name, StringComparer.Ordinal)]);
    }

    public static ReaderInfo Reader(Reply reply) => new(
        reply[0].Name,
        new() { Start = reply[1].Text == "1" ? StreamStart.New : StreamStart.First, ExpiresAfter = reply[2].Text.Length == 0 ? null : reply[2].Span, Gates = reply[3].Text == "1" },
        [.. reply[5].Items.Select(next => next.Long)], reply[4].Long);

    public static GroupInfo Group(Reply reply)
    {
        Reply[] beats = [.. reply[0].Items];
        return new(
            [.. Enumerable.Range(0, beats.Length / 2).Select(i => Member(beats[2 * i].Name, beats[(2 * i) + 1].Text)).OrderBy(member => member.Name, StringComparer.Ordinal)],
            [.. reply[1].Items.Select((part, i) => new PartitionInfo(i, part[0].Long, Name(part[1]), part[2].Int, part[3].Long, part[4].Long, part[5].Long, part[6].Long))],
            Name(reply[2]), reply[3].Long);
    }

    /// <summary>A member, as the store keeps it: "heartbeats:lease duration in microseconds:instance".</summary>
    public static MemberInfo Member(string name, string stored)
    {
        string[] parts = stored.Split(':');
        return parts.Length == 3 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out long beats) && long.TryParse(parts[1], CultureInfo.InvariantCulture, out long lease)
            ? new(name, beats, Names.Decode(parts[2]), TimeSpan.FromTicks(lease * TimeSpan.TicksPerMicrosecond))
            : throw new StreamStoreException($"The heartbeat of the member {name} is damaged in the store: '{stored}' is not of the form beats:lease:instance.");
    }

    // An end is stored as one letter, and what went wrong.
    public static string Write(StreamEnd end) => end.Failure is null ? "C" : $"F{end.Failure}";

    public static StreamEnd? ReadEnd(Reply reply) => reply.TextOrNull switch
    {
        null => null,
        "C" => StreamEnd.Complete,
        var text => new(text[1..]),
    };

    private static string? Name(Reply reply) => reply.IsNull ? null : reply.Name;
}
