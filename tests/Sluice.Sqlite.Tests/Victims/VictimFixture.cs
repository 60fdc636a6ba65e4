using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>A store whose owner is another process, killed by SIGKILL.</summary>
internal sealed class VictimFixture(Durability durability) : StreamStoreFixture
{
    private readonly TempDirectory directory = new();
    private Task<VictimProcess> next = StartAsync();
    private VictimProcess? open;

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
    {
        open = await next;
        next = StartAsync();                         // started early, so that it is ready when needed
        await open.CallAsync("open", directory.File("store.db"), durability == Durability.Power, time.GetUtcNow());
        return RemoteStore.Over(open);
    }

    public override async ValueTask KillAsync(IStreamStore store)
    {
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
        await (await next).KillAsync();
        directory.Dispose();
        await base.DisposeAsync();
    }

    private static Task<VictimProcess> StartAsync() => Task.Run(() => new VictimProcess());
}
