namespace Sluice.Torture;

/// <summary>
/// The server of a case's store, which flushes each answer to the disk. It is killed between lives and in the middle of
/// them, also twice in a row:
/// then the second time while its file is repaired, or just after.
/// </summary>
internal sealed class MortalServer : IAsyncDisposable
{
    private readonly ServerHandle server;
    private readonly Dice dice;
    private readonly SemaphoreSlim turn = new(1);    // one that is frozen is killed when it goes on
    private Task dying = Task.CompletedTask;

    private MortalServer(ServerHandle server, Dice dice) => (this.server, this.dice) = (server, dice);

    public string Address => server.Address;

    /// <summary>How often it was killed.</summary>
    public int Kills { get; private set; }

    /// <summary>How often it stood still, or its disk was full.</summary>
    public int Freezes { get; private set; }

    public static async Task<MortalServer> StartAsync(ulong seed, Case @case, string store, string? kind = null)
        => new(await ServerHandle.StartAsync(store, kind), new Dice(seed).For((1UL << 41) + (ulong)@case.Number));

    /// <summary>What is done to it before a life.</summary>
    public async Task BeforeAsync(int life)
    {
        Dice one = dice.For(2 * (ulong)life);
        if (life > 1 && one.Chance(30)) await KillAsync(one);
    }

    /// <summary>What is done to it beside a life: at a random moment, from its beginning on.</summary>
    public Task DuringAsync(int life)
    {
        return dying = DieAsync(dice.For((2 * (ulong)life) + 1));

        async Task DieAsync(Dice one)
        {
            if (!one.Chance(60)) return;
            await Task.Delay(Some(one, 11));
            await KillAsync(one);
        }
    }

    /// <summary>It stands still for up to two seconds, from a random moment of a life on.</summary>
    public async Task FreezeAsync(Dice one, CancellationToken cancellation)
    {
        await Task.Delay(Some(one, 10), cancellation);
        await turn.WaitAsync(cancellation);
        try
        {
            await server.PauseAsync();
            Freezes++;
            await Task.Delay(Some(one, 12), CancellationToken.None);
            await server.ResumeAsync();
        }
        finally
        {
            turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await dying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await server.Owner.DisposeAsync();
    }

    private async Task KillAsync(Dice one)
    {
        await turn.WaitAsync();
        try
        {
            await KillNowAsync(one);
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task KillNowAsync(Dice one)
    {
        for (bool again = one.Chance(50); ; again = false)
        {
            await server.KillAsync();
            Kills++;
            if (one.Chance(20)) await Task.Delay(Some(one, 9));        // nobody is there for a while
            await server.StartAgainAsync();
            if (!again) return;
            await Task.Delay(Some(one, 8));
        }
    }

    // Short times as often as long ones.
    private static TimeSpan Some(Dice one, int doublings)
        => TimeSpan.FromMilliseconds((1 << one.Below(doublings)) * (1 + (one.Below(1000) / 1000.0)) / 2);
}
