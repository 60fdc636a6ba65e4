using System.Collections.ObjectModel;
using Sluice.Diagnostics;

namespace Sluice.Dashboard.Sampling;

/// <summary>A store that is shown, and its name on the pages.</summary>
internal sealed record StoreSource(string Name, IStreamStore Store)
{
    private static readonly string[] FlowPrefixes = ["flow/", "flow-io/", "flow-choices/"];

    /// <summary>The stream of the audit.</summary>
    public const string AuditStream = "sluice-audit";

    /// <summary>Whether a stream is the journal of a run of a flow.</summary>
    public static bool IsRun(string stream) => stream.StartsWith(FlowPrefixes[0], StringComparison.Ordinal);

    /// <summary>Whether a stream belongs to the run of a flow or to the dashboard, and so is on pages of its own.</summary>
    public static bool IsInternal(string stream) => stream is AuditStream or "flow-sweep"
        || Array.Exists(FlowPrefixes, prefix => stream.StartsWith(prefix, StringComparison.Ordinal));
}

/// <summary>What was seen of a store.</summary>
/// <param name="Store">The store.</param>
/// <param name="Names">The names of its streams in ordinal order, without those of flows.</param>
/// <param name="Streams">The streams by name, as far as they were looked at: of many streams, one look looks at a part.</param>
/// <param name="Groups">Its groups, by stream and name, as far as they were looked at.</param>
/// <param name="At">When it was looked at; null if it has not answered yet.</param>
/// <param name="Problem">Why it was not looked at later; null if nothing is wrong.</param>
internal sealed record StoreSample(StoreSource Store, IReadOnlyList<string> Names, IReadOnlyDictionary<string, StreamLook> Streams,
    IReadOnlyDictionary<GroupId, GroupDetail> Groups, DateTimeOffset? At, string? Problem)
{
    /// <summary>When it has answered last, a look or a question for its time.</summary>
    public DateTimeOffset? AnsweredAt { get; init; }

    /// <summary>A sentence for each damaged stream, by name: what is left out of the look, and why.</summary>
    public IReadOnlyDictionary<string, string> Damage { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>How many of the streams were looked at so far.</summary>
    public int LookedAt => Streams.Count + Damage.Keys.Count(name => !Streams.ContainsKey(name));

    /// <summary>Whether flows were run in the store.</summary>
    public bool HasFlows { get; init; }

    /// <summary>Whether each look looks at a part of the streams only.</summary>
    public bool IsLarge => Names.Count > StoreSampler.MaxStreams;

    /// <summary>Whether a look has begun that the store has not answered yet, for a second at least.</summary>
    public bool IsSilent { get; init; }
}

/// <summary>A look at one stream.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Look">What was seen; null if it does not exist, or is damaged.</param>
/// <param name="Damage">A sentence that says so; null if it is not damaged.</param>
internal readonly record struct FoundStream(string Name, StreamLook? Look, string? Damage);

/// <summary>A group of a stream: its members and partitions, and the age of its oldest entry; null if there is none.</summary>
internal sealed record GroupDetail(GroupLook Look, TimeSpan? Oldest)
{
    /// <summary>Why the oldest entry cannot be read; null if it can.</summary>
    public string? Problem { get; init; }
}
