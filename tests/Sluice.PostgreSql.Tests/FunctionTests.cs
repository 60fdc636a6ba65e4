using Npgsql;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests;

/// <summary>Functions of items in the transaction of their commit (<see cref="ItemContext.InTransaction{T}"/>).</summary>
public sealed partial class FunctionTests(SharedServer server) : IAsyncLifetime
{
    private readonly string schema = SharedServer.NewSchema();
    private readonly EmptiedSchema place = EmptiedSchema.Rent(server.Address);
    private PostgresStreamStore? opened;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresStreamStore Store => opened!;

    public async ValueTask InitializeAsync()
    {
        opened = await OpenAsync(TimeSpan.FromMinutes(1));
        await server.Server.AskAsync($"CREATE SCHEMA {schema} AUTHORIZATION sluice; "
            + $"CREATE TABLE {schema}.number(n int, kind text, UNIQUE (n, kind) DEFERRABLE INITIALLY DEFERRED); "
            + $"CREATE SEQUENCE {schema}.call; GRANT ALL ON {schema}.number, {schema}.call TO sluice");
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        await place.ReturnAsync();
    }

    private ValueTask<PostgresStreamStore> OpenAsync(TimeSpan maxFunctionTime) => PostgresStreamStore.OpenAsync(place.Connections,
        Patient.Options with { Schema = place.Name, MaxFunctionTime = maxFunctionTime, OnWarning = static _ => { } }, Cancellation);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EachFunctionTakesEffectOnceWithItsItem(bool hasKeys)
    {
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>((transaction, cancellation) => InsertAsync(transaction, n, "first", cancellation));
            context.InTransaction<NpgsqlTransaction>((transaction, cancellation) => InsertAsync(transaction, n, "second", cancellation));
            return default;
        }, hasKeys);
        await CommitLab.RunAsync(numbers, 300, dead: 0);
        Assert.Equal("900 300", await AskAsync("count(*) || ' ' || count(DISTINCT n)"));
    }

    /// <summary>The rows of a sink and the functions are one transaction: both, or neither.</summary>
    [Fact]
    public async Task AFunctionThatFailsFailsItsItemOnlyAndMayBeCalledAgain()
    {
        int calls = 0;
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
            {
                Interlocked.Increment(ref calls);
                await InsertAsync(transaction, n, "row", cancellation);
                if (n == 7) throw new InvalidOperationException("seven is closed");
                if (n == 8) await InsertAsync(transaction, n, "row", cancellation);              // a deferred constraint
                if (n == 9) await ExecuteAsync(transaction, "SELECT 1 / 0", cancellation);
            });
            return default;
        });
        await CommitLab.RunAsync(numbers, 50, dead: 3);
        Dictionary<int, string> errors = await ErrorsAsync(numbers);
        Assert.Contains("InvalidOperationException: seven is closed.", errors[7], StringComparison.Ordinal);
        Assert.Contains("A constraint that is checked last has refused it: duplicate key", errors[8], StringComparison.Ordinal);
        Assert.Contains("In the transaction of the commit, the function of write for numbers/", errors[9], StringComparison.Ordinal);
        Assert.Contains("failed. division by zero (22012).", errors[9], StringComparison.Ordinal);
        Assert.Equal("94 47", await AskAsync("count(*) || ' ' || count(DISTINCT n)"));
        Assert.True(calls > 50 + 3, $"{calls} calls: those beside a refused item are called again.");
    }

    public static TheoryData<string, string> Mistakes => new()
    {
        { "commit", "It has committed or rolled back the transaction of the store" },
        { "rollback", "It has committed or rolled back the transaction of the store" },
        { "dispose", "It has committed or rolled back the transaction of the store" },
        { "sql COMMIT", "It has committed or rolled back the transaction of the store" },
        { "sql COMMIT AND CHAIN", "It has committed or rolled back the transaction of the store" },
        { "sql ROLLBACK; BEGIN", "It has committed or rolled back the transaction of the store" },
        { "sql COMMIT; BEGIN", "It has committed or rolled back the transaction of the store" },
        { "sql PREPARE TRANSACTION 'x'", "failed. " },
        { "swallow", "A statement of it was refused, and it went on" },
        { "reader", "It has left a command or a reader open" },
        { "close", "The connection was closed or lost 5 times while it ran" },
        { "parameters", "The connection was closed or lost 5 times while it ran" },
        { "sleep", "It ran longer than 5 seconds" },
        { "wait", "It was still running 10 seconds after it began" },
        { "block", "It was still running 10 seconds after it began" },
        { "store", "It was still running 10 seconds after it began" },
        { "killed", "The connection was closed or lost 5 times while it ran" },
    };

    /// <summary>What a function can do wrong fails its item with a reason, and nothing of the others is lost or doubled.</summary>
    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task AMistakeFailsItsItemOnly(string mistake, string why)
    {
        using var released = new ManualResetEventSlim();
        await using PostgresStreamStore? late = why.Contains("seconds", StringComparison.Ordinal)
            ? await OpenAsync(TimeSpan.FromSeconds(5)) : null;
        PostgresStreamStore store = late ?? Store;
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
            {
                await InsertAsync(transaction, n, "row", cancellation);
                if (n == 5) await MistakeAsync(transaction, cancellation);
            });
            return default;
        }, store: store);
        await CommitLab.RunAsync(numbers, 20, dead: 1);
        Assert.Contains(why, (await ErrorsAsync(numbers))[5], StringComparison.Ordinal);
        Assert.Equal("38 19", await AskAsync("count(*) || ' ' || count(DISTINCT n)"));
        released.Set();

        async Task MistakeAsync(NpgsqlTransaction transaction, CancellationToken cancellation)
        {
            NpgsqlConnection connection = transaction.Connection!;
            switch (mistake)
            {
                case "commit":
                    await transaction.CommitAsync(CancellationToken.None);
                    break;
                case "rollback":
                    await transaction.RollbackAsync(CancellationToken.None);
                    break;
                case "dispose":
                    await transaction.DisposeAsync();
                    break;
                case "swallow":
                    await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(transaction, "SELECT 1 / 0", cancellation));
                    break;
                case "reader":
                    await new NpgsqlCommand("SELECT generate_series(1, 100000)", connection).ExecuteReaderAsync(cancellation);
                    break;
                case "close":
                    await connection.CloseAsync();
                    break;
                case "parameters":
                    await using (var wrong = new NpgsqlCommand("SELECT $1::int, $2::int", connection)
                    { Parameters = { new() { Value = 1 } } })
                        await wrong.ExecuteNonQueryAsync(cancellation);
                    break;
                case "sleep":
                    await ExecuteAsync(transaction, "SELECT pg_sleep(100)", cancellation);
                    break;
                case "wait":
                    await Task.Run(released.Wait, CancellationToken.None);
                    await Assert.ThrowsAnyAsync<Exception>(() => ExecuteAsync(transaction, "SELECT 1", CancellationToken.None));
                    break;
                case "block":
                    released.Wait(CancellationToken.None);
                    break;
                case "store":
                    await store.OpenProducerAsync("numbers", "waits", CancellationToken.None);          // for the round of this commit
                    break;
                case "killed":
                    await ExecuteAsync(transaction, "SELECT pg_terminate_backend(pg_backend_pid())", CancellationToken.None);
                    break;
                default:
                    foreach (string text in mistake["sql ".Length..].Split(';'))
                        try
                        {
                            await ExecuteAsync(transaction, text, CancellationToken.None);
                        }
                        catch (PostgresException refused) when (text is not "PREPARE TRANSACTION 'x'")
                        {
                            Assert.Contains("A function of InTransaction must not commit the transaction", refused.MessageText,
                                StringComparison.Ordinal);
                        }
                    break;
            }
        }
    }

    [Fact]
    public async Task SettingsOfAFunctionEndWithIt()
    {
        await server.Server.AskAsync($"CREATE ROLE limited_{schema}; GRANT limited_{schema} TO sluice; GRANT USAGE ON SCHEMA {schema} TO "
            + $"limited_{schema}; GRANT INSERT ON {schema}.number TO limited_{schema}");
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
            {
                await using (var ask = new NpgsqlCommand("SELECT current_user || current_setting('search_path') "
                    + "|| current_setting('synchronous_commit')", transaction.Connection))
                    Assert.Equal("sluice\"$user\", publicon", await ask.ExecuteScalarAsync(cancellation));
                await ExecuteAsync(transaction, $"SET LOCAL ROLE limited_{schema}", cancellation);
                await ExecuteAsync(transaction, "SET LOCAL search_path = pg_catalog", cancellation);
                await ExecuteAsync(transaction, "SET LOCAL synchronous_commit = off", cancellation);
                await InsertAsync(transaction, n, "row", cancellation);
            });
            return default;
        });
        await CommitLab.RunAsync(numbers, 20, dead: 0);
        Assert.Equal("40 20", await AskAsync("count(*) || ' ' || count(DISTINCT n)"));
    }

    /// <summary>Only what the successful attempt has added runs, also if a policy repeats the sink.</summary>
    [Fact]
    public async Task AFailedAttemptAddsNothing()
    {
        int attempts = 0;
        Func<int, ItemContext, ValueTask> write = (n, context) =>
        {
            int attempt = Interlocked.Increment(ref attempts);
            context.InTransaction<NpgsqlTransaction>((transaction, cancellation)
                => InsertAsync(transaction, n, $"a{attempt}", cancellation));
            return attempt < 3 ? throw new InvalidOperationException("not yet") : default;
        };
        await using var numbers = new Consecutor<int>("numbers", source => source
            | (Sink.OfAsync<int>((n, context, _) => write(n, context)) | Stage.Retry(5, Backoff.None)), CommitLab.Options(Store));
        await CommitLab.RunAsync(numbers, 1, dead: 0);
        Assert.Equal("1 a3", await AskAsync("count(*) || ' ' || min(kind)"));
    }

    /// <summary>An item for another consecutor, accepted in the same transaction.</summary>
    [Fact]
    public async Task AFunctionSendsInItsTransaction()
    {
        await using var seen = new Consecutor<int>("seen", source => source | PostgresSink.InStore<int>(
            $"INSERT INTO {schema}.number VALUES($1, 'seen')", static n => [n]), CommitLab.Options(Store) with { Process = new() });
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
            {
                await seen.SendAsync(n, transaction, cancellation);
                if (n == 3) throw new InvalidOperationException("three");
            });
            return default;
        });
        await seen.StartAsync(Cancellation);
        await CommitLab.RunAsync(numbers, 10, dead: 1);
        ConsecutorSnapshot end = await seen.WaitForIdleAsync(Cancellation);
        Assert.Equal((9L, 0L), (end.Completed, end.Dead));
        Assert.Equal("18 9", await AskAsync("count(*) || ' ' || count(DISTINCT n)"));
    }

    [Fact]
    public async Task FunctionsRunBehindAPooler()
    {
        await using PgBouncer bouncer = await PgBouncer.StartAsync(server.Server.Port);
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(bouncer.Address,
            Patient.Options with { Schema = place.Name, TransactionPooling = true }, Cancellation);
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>((transaction, cancellation) => n == 5
                ? new ValueTask(transaction.CommitAsync(cancellation)) : InsertAsync(transaction, n, "row", cancellation));
            return default;
        }, store: store);
        await CommitLab.RunAsync(numbers, 20, dead: 1);
        Assert.Equal("38 19", await AskAsync("count(*) || ' ' || count(DISTINCT n)"));
    }

    // Beside the function under test, a sink writes a row in the same commit.
    private Consecutor<int> Numbers(Func<int, ItemContext, ValueTask> write, bool hasKeys = false, IStreamStore? store = null)
        => new("numbers", source => source | [s => s | (Sink.OfAsync<int>((n, context, _) => write(n, context)) | Stage.Named("write")),
            s => s | PostgresSink.InStore<int>($"INSERT INTO {schema}.number VALUES($1, 'sink')", static n => [n])],
            CommitLab.Options(store ?? Store))
        { Key = hasKeys ? static n => $"{n % 3}" : null };

    private static async Task<Dictionary<int, string>> ErrorsAsync(Consecutor<int> numbers)
        => (await numbers.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation)).ToDictionary(static letter =>
        {
            Assert.Equal("write", letter.Node);
            return (int)letter.Item!;
        }, static letter => letter.Error);

    private async Task<string> AskAsync(string what) => (string)(await server.Server.AskAsync($"SELECT {what} FROM {schema}.number"))!;

    private ValueTask InsertAsync(NpgsqlTransaction transaction, int n, string kind, CancellationToken cancellation)
        => new(ExecuteAsync(transaction, $"INSERT INTO {schema}.number VALUES({n}, '{kind}')", cancellation));

    private static async Task ExecuteAsync(NpgsqlTransaction transaction, string text, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(text, transaction.Connection, transaction);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
