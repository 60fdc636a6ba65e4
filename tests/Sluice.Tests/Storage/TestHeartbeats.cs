using Sluice.Storage;

namespace Sluice.Tests;

/// <summary>Heartbeats of the members that tests play.</summary>
internal static class TestHeartbeats
{
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    public static ValueTask<HeartbeatResult> BeatAsync(this IStreamStore store, GroupId group, string member,
        CancellationToken cancellation = default)
        => store.HeartbeatAsync(new(group, member, $"{member} of a test", LeaseTime), cancellation);
}
