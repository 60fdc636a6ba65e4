using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>Hosts whose clocks differ by days: no caller's clock moves the store's.</summary>
internal static class ClockScenarios
{
    private const string ClosedTime = "(a host whose clock is ahead has had the store open; while a store is closed, no window and no idle "
        + "timeout passes)";

    private static readonly TimeSpan TwoDays = TimeSpan.FromDays(2);

    public static async Task AHostWhoseClockIsAheadForgetsNoKey(Rig rig)
    {
        await rig.PrepareAsync();
        Expect.Equal(AppendStatus.Accepted, await PayAsync(rig), "a payment under an idempotency key");
        await VisitAheadAsync(rig);
        Expect.Equal(AppendStatus.Duplicate, await PayAsync(rig), $"the payment again, within its window {ClosedTime}");
        Expect.Equal(1, (await rig.ReadAsync(Orders)).Count(text => text == "payment of 100"), "payments in the store");
    }

    public static async Task AHostWhoseClockIsAheadExpiresNoReader(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenReaderAsync(Orders, "mine", new() { IdleTimeout = 10 * Minute });
        await VisitAheadAsync(rig);
        Expect.True(await rig.Store.MoveReaderAsync(new(Orders, "mine", 0, 1)), $"the reader is open {ClosedTime}");
    }

    public static async Task AKeyIsForgottenWhenItsWindowHasPassed(Rig rig)
    {
        await rig.PrepareAsync();
        await PayAsync(rig);
        await rig.ReopenAsync(kill: false, clockBack: -TwoDays);
        await rig.PassAsync(11 * Minute);
        Expect.Equal(AppendStatus.Accepted, await PayAsync(rig), "the payment again, behind its window");
    }

    private static async Task<AppendStatus> PayAsync(Rig rig)
    {
        using EntryBatch batch = Batch("payment of 100");
        return (await rig.Store.AppendAsync(new(Orders, "key-1", 0, 1, batch) { ForgetAfter = 10 * Minute })).Status;
    }

    // A host whose clock is two days ahead appends, beside the first store object or instead of it.
    private static async Task VisitAheadAsync(Rig rig)
    {
        IStreamStore? second = await rig.OpenSecondAsync(TwoDays);
        if (second is null) await rig.ReopenAsync(kill: false, clockBack: -TwoDays);
        using EntryBatch batch = Batch("from the future");
        IStreamStore visitor = second ?? rig.Store;
        Expect.Equal(AppendStatus.Accepted, (await visitor.AppendAsync(new(Orders, "visitor", 0, 1, batch))).Status,
            "an append by a host whose clock is ahead");
        if (second is null) await rig.ReopenAsync(kill: false, clockBack: TwoDays);
        else await second.DisposeAsync();
        await rig.AddAsync("later");
    }
}
