using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>A store whose owner is another process, killed by SIGKILL.</summary>
internal sealed class VictimFixture(Durability durability) : StreamStoreFixture
{
    private static readonly ConcurrentBag<Task<VictimProcess>> Unused = [];          // what one scenario has started, the next one takes
    private readonly TempDirectory directory = new();
    private Task<VictimProcess>? next;
    private VictimProcess? open;

    /// <summary>Each kill costs a process here. <c>SLUICE_KILLS=all</c> kills at each call.</summary>
    public override int KillStride => KilledOwnerTests.AreAll ? 1 : Repetitions.Of(8, all: 3);

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
    {
        VictimProcess victim = await (next ?? StartAsync());
        next = null;
        try
        {
            await victim.CallAsync("open", directory.File("store.db"), durability == Durability.Power, time.GetUtcNow());
        }
        catch
        {
            await victim.KillAsync();                // it was refused, because another one has the store open
            throw;
        }
        open = victim;
        return RemoteStore.Over(victim);
    }

    public override async ValueTask KillAsync(IStreamStore store)
    {
        next ??= StartAsync();                       // early, so that it is ready when needed
        await open!.KillAsync();
        open = null;
    }

    public override async ValueTask PassTimeAsync(TestClock clock, TimeSpan time)
    {
        await base.PassTimeAsync(clock, time);
        if (open is not null) await open.CallAsync("advance", time);
    }

    public override async ValueTask DisposeAsync()
    {
        if (next is { } unused) Unused.Add(unused);
        directory.Dispose();
        await base.DisposeAsync();
    }

    private static Task<VictimProcess> StartAsync()
        => Unused.TryTake(out Task<VictimProcess>? unused) ? unused : Task.Run(static () => new VictimProcess());
}
