using System.Collections.Concurrent;
using Npgsql;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>
/// A database of its own on a server, and a consecutor that accepts what a source reads there, over several lives. On the shared server,
/// the next lab gets the database emptied: to create and drop one takes longer than most tests do.
/// </summary>
internal sealed class SourceLab : IAsyncDisposable
{
    private static readonly ConcurrentBag<string> Free = [];
    private static readonly SemaphoreSlim Dropping = new(1);
    private static int databases;

    private readonly PostgresServer server;
    private readonly MemoryStreamStore store = new();

    private SourceLab(PostgresServer server, string name)
    {
        this.server = server;
        Address = server.Address.Replace("Database=sluice", $"Database={name}", StringComparison.Ordinal) + $";Application Name={name}";
        Name = name;
        Database = NpgsqlDataSource.Create(Address);
    }

    public string Name { get; }

    public string Address { get; }

    public NpgsqlDataSource Database { get; }

    public ConcurrentQueue<string> Warnings { get; } = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<SourceLab> StartAsync(string create = "", PostgresServer? server = null)
    {
        server ??= SharedServer.Current.Server;
        if (server != SharedServer.Current.Server || !Free.TryTake(out string? name))
        {
            name = $"lab{Interlocked.Increment(ref databases)}";
            await server.AskAsync($"CREATE DATABASE {name} OWNER sluice");
        }
        var lab = new SourceLab(server, name);
        if (create.Length > 0) await lab.RunAsync(create);
        return lab;
    }

    public async Task RunAsync(string sql)
    {
        await using NpgsqlCommand command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    public async Task<object?> AskAsync(string sql)
    {
        await using NpgsqlCommand command = Database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }

    /// <summary>A source of the first column of the rows, which ends when there are no more.</summary>
    public Source<string> Table(string after = "id", PostgresTableOptions? options = null, string table = "orders")
        => PostgresSource.Table("orders", Database, table, after, static row => $"{row.GetValue(0)}",
            (options ?? new() { PollInterval = null, MaxPageRows = 3 }) with { OnWarning = Warnings.Enqueue });

    public async Task AcceptAsync(Source<string> source, int? items = null, CancellationToken cancellation = default)
    {
        await using Consecutor<string> consecutor = New(static _ => { });
        await ((items is { } count ? source.Take(count) : source) | consecutor).RunAsync(
            cancellation: cancellation.CanBeCanceled ? cancellation : Cancellation);
    }

    /// <summary>Accepts in a process that dies at a call of its store.</summary>
    /// <returns>Whether it has died; otherwise the source has ended.</returns>
    public async Task<bool> AcceptUntilDeathAsync(Source<string> source, int dieAt, Moment moment)
    {
        var mortal = new MortalStore(store, dieAt, moment);
        Consecutor<string> consecutor = New(static _ => { }, mortal);
        PipelineRun run = (source | consecutor).Start(cancellation: Cancellation);
        await Task.WhenAny(run.Completion, mortal.Died);
        bool isDead = mortal.Died.IsCompleted;
        if (!isDead)
        {
            await run.Completion;
            await run.DisposeAsync();
            await consecutor.DisposeAsync();
            return false;
        }
        run.Cancel();
        await consecutor.AbandonAsync();
        await run.Completion.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None,
            TaskScheduler.Default);
        await run.DisposeAsync();
        return true;
    }

    /// <summary>All accepted items that no consecutor has seen, in order.</summary>
    public async Task<string[]> AcceptedAsync()
    {
        var seen = new ConcurrentQueue<string>();
        await using Consecutor<string> consecutor = New(seen.Enqueue);
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        return [.. seen];
    }

    public Consecutor<string> New(Action<string> see, IStreamStore? over = null) => new("intake", items => items | see, new()
    {
        Store = over ?? store,
        Process = new(),
        Stream = new() { Partitions = 1 },
        Run = new() { Mode = ExecutionMode.SingleThread }
    });

    /// <summary>Checks that a source reads the rows 1 to 100,000 page by page: most notes that were read can be collected.</summary>
    public static async Task IsReadInPagesAsync(Source<(long Id, string Note)> source)
    {
        long last = 0;
        int most = 0;
        List<WeakReference> notes = [];
        await (source | See).RunAsync(new() { Mode = ExecutionMode.SingleThread }, Cancellation);
        Assert.Equal(100_000, last);
        Assert.InRange(most, 0, 20_000);

        void See((long Id, string Note) row)
        {
            Assert.Equal(last + 1, row.Id);
            notes.Add(new(row.Note));
            if ((last = row.Id) % 20_000 != 0) return;
            GC.Collect();
            most = Math.Max(most, notes.Count(static note => note.IsAlive));
        }
    }

    /// <summary>Advances a clock, wait by wait, until something is so; fails if the run ends before.</summary>
    public static async Task UntilAsync(TestClock clock, Task run, Func<bool> isSo)
    {
        while (!isSo())
        {
            Task timers = clock.WaitForTimersAsync(1, Cancellation);
            if (await Task.WhenAny(timers, run) == run && !isSo())
            {
                await run;
                Assert.Fail("The run has ended.");
            }
            if (!timers.IsCompleted) continue;
            clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        if (server == SharedServer.Current.Server)
        {
            // It changes rows that all databases share, and fails beside another one.
            await Dropping.WaitAsync(Cancellation);
            try
            {
                await RunAsync("DROP OWNED BY sluice CASCADE");
            }
            finally
            {
                Dropping.Release();
            }
            Free.Add(Name);
        }
        await Database.DisposeAsync();
        if (server != SharedServer.Current.Server) await server.AskAsync($"DROP DATABASE {Name} WITH (FORCE)");
    }
}
