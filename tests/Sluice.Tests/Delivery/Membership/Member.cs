using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Helpers for tests with several members of one consecutor.</summary>
internal static class Member
{
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    public static readonly GroupId Group = new("work", "work");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Options of a member that has a process of its own.</summary>
    public static ConsecutorOptions Options(string name, IStreamStore store, TimeProvider time, int partitions = 1) => new()
    {
        InstanceId = name,
        Store = store,
        LeaseDuration = LeaseTime,
        Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
        Stream = new() { Partitions = partitions },
        Run = new() { Time = time },
        Process = new(),
    };

    public static async Task<long> BeatsAsync(IStreamStore store, string name)
        => (await store.FindGroupAsync(Group, Cancellation))!.Members.FirstOrDefault(member => member.Name == name).Heartbeats;

    /// <summary>The owners of the partitions, each with its epoch.</summary>
    public static async Task<string> OwnersAsync(IStreamStore store)
        => string.Join(' ', (await store.FindGroupAsync(Group, Cancellation))!.Partitions.Select(partition =>
        $"{partition.Owner}:{partition.Epoch}"));

    /// <summary>Moves a clock to the next heartbeats of its members, and waits for them. (The clock is faster than a call of the store may
    /// be: a beat that is not made then comes with the answer.)</summary>
    public static async Task BeatAsync(IStreamStore store, TestClock clock, params string[] living)
    {
        long[] before = await Task.WhenAll(living.Select(name => BeatsAsync(store, name)));
        clock.Advance(LeaseTime / 3);
        for (int i = 0; i < living.Length; i++)
            while (await BeatsAsync(store, living[i]) == before[i]) await NextAsync();
    }

    public static async Task UntilAsync(Func<bool> isReached)
    {
        while (!isReached()) await PollAsync();
    }

    /// <summary>Waits for a state that the consecutor reaches by itself.</summary>
    public static async Task<ConsecutorSnapshot> UntilAsync<T>(Consecutor<T> consecutor, Func<ConsecutorSnapshot, bool> isReached)
    {
        while (true)
        {
            ConsecutorSnapshot snapshot = consecutor.Snapshot();
            if (isReached(snapshot)) return snapshot;
            await PollAsync();
        }
    }

    /// <summary>Waits between two polls of a state. A server needs the processor that polls without a pause would take.</summary>
    public static Task PollAsync() => ScenarioStore.Share == 1 ? NextAsync() : Task.Delay(1, Cancellation);

    /// <summary>Lets other tasks run between two polls of a state.</summary>
    public static async Task NextAsync()
    {
        Cancellation.ThrowIfCancellationRequested();
        await Task.Yield();
    }
}

/// <summary>A wall clock that can jump, over a clock that is advanced: timestamps and timers do not see the jumps.</summary>
internal sealed class WallClock(TestClock inner) : TimeProvider
{
    private long offset;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public void Jump(TimeSpan by) => Interlocked.Add(ref offset, by.Ticks);

    /// <summary>The time zone of the machine.</summary>
    public TimeZoneInfo Zone { get; set; } = TimeZoneInfo.Utc;

    public override TimeZoneInfo LocalTimeZone => Zone;

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref offset));

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => inner.CreateTimer(callback, state, dueTime, period);
}
