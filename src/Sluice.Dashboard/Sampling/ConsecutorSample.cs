using Sluice.Diagnostics;

namespace Sluice.Dashboard.Sampling;

/// <summary>A consecutor at one look: the one of this process, or what its store shows of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Store">Its store.</param>
/// <param name="Local">The consecutor, if it is in this process.</param>
internal sealed record ConsecutorSample(string Name, StoreSource Store, IConsecutor? Local)
{
    public ConsecutorSnapshot? Snapshot { get; init; }

    public RunSample? Run { get; init; }

    public StreamLook? Stream { get; init; }

    public GroupDetail? Group { get; init; }

    /// <summary>Its place among all of the look, before they are sorted by urgency.</summary>
    public int Number { get; init; }

    /// <summary>Which of several members in this process it is; null if it is the only one.</summary>
    public string? Member { get; init; }

    /// <summary>Its name on pages.</summary>
    public string Title => Member is null ? Name : $"{Name} ({Member})";

    public GroupId Id => new(Name, Name);

    /// <summary>Items that are accepted and not ended.</summary>
    public long Backlog => Stream?.Consecutor?.Backlog.Outstanding
        ?? (Snapshot is { } now ? now.Pending + now.InFlight + now.Retrying + now.Parked + now.Suspect : 0);

    /// <summary>When its group was paused; null if it is not.</summary>
    public DateTimeOffset? PausedAt => Stream?.Consecutor is { } group ? group.Backlog.PausedAt : Snapshot?.PausedAt;

    /// <summary>Whether that pause is a drain.</summary>
    public bool IsDraining => Stream?.Consecutor is { } group ? group.Backlog.IsDraining : Snapshot?.IsDraining ?? false;

    public long Dead => Stream?.Consecutor?.Backlog.Dead ?? Snapshot?.Dead ?? 0;

    public double? AcceptedPerSecond { get; init; }

    public double? EndedPerSecond { get; init; }

    /// <summary>How long no item has ended although some could, if that is longer than can be expected; null otherwise. In this process,
    /// those in flight could; elsewhere, those that do not wait for a retry or for other code.</summary>
    public TimeSpan? StandsFor { get; init; }

    public required Verdict Verdict { get; init; }

    public required History Ended { get; init; }

    public required History Waiting { get; init; }
}
