using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Sqlite.Tests;

/// <summary>Functions of items in the transaction of their commit (<see cref="ItemContext.InTransaction{T}"/>).</summary>
public sealed class FunctionTests : TransactionTestBase
{
    private const string Create = "CREATE TABLE IF NOT EXISTS number(n INTEGER NOT NULL, kind TEXT NOT NULL, UNIQUE(n, kind))";

    private protected override TimeSpan MaxFunctionTime => TimeSpan.FromSeconds(5);

    private protected override SqliteWrites Tables => new SqliteWrites().Add(Create);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EachFunctionTakesEffectOnceWithItsItem(bool hasKeys)
    {
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<SqliteTransaction>((transaction, _) => Insert(transaction, n, "first"));
            context.InTransaction<SqliteTransaction>(async (transaction, _) =>
            {
                await Task.Yield();
                Assert.Equal([(long)n, "first"],
                    Assert.Single(transaction.Query("SELECT n, kind FROM number WHERE n = ? AND kind = 'first'", n)));
                Assert.Equal(1, transaction.Execute("INSERT INTO number VALUES(?, ?)", n, "second"));
            });
            return default;
        }, hasKeys);
        await CommitLab.RunAsync(numbers, 300, dead: 0);
        Assert.Equal("900 300", Counts());
    }

    /// <remarks>Regressions: it saw the context of the code that had opened the store, and its time limit counted the wait for a thread of
    /// the pool, all of which may be blocked.</remarks>
    [Fact]
    public async Task AFunctionSeesTheContextOfItsSinkAndNeedsNoThreadOfThePool()
    {
        var tenant = new AsyncLocal<int>();
        var seen = new ConcurrentBag<(int, int, bool)>();
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            tenant.Value = n + 1;
            context.InTransaction<SqliteTransaction>((_, _) =>
            {
                seen.Add((n, tenant.Value, Thread.CurrentThread.IsThreadPoolThread));
                return default;
            });
            return default;
        });
        await CommitLab.RunAsync(numbers, 3, dead: 0);
        Assert.Equal([(0, 1, false), (1, 2, false), (2, 3, false)], seen.Order());
    }

    public static TheoryData<string, string> Mistakes => new()
    {
        { "throw", "In the transaction of the commit, the function of write for numbers/" },
        { "cancel", "TaskCanceledException: The time limit of the client is over" },
        { "key", "failed. UNIQUE constraint failed: number.n, number.kind (SQLite 2067). The statement: INSERT" },
        { "COMMIT", "not authorized" },
        { "ROLLBACK", "not authorized" },
        { "SAVEPOINT x", "not authorized" },
        { "PRAGMA synchronous = OFF", "not authorized" },
        { "DELETE FROM sluice_chunk", "not authorized" },
        { "INSERT INTO nowhere VALUES(1)", "no such table: nowhere" },
        { "SELECT ?", "There are 0 values, and the statement has 1 parameters: SELECT ?" },
        { "SELECT 1; SELECT 2", "only one statement" },
        { "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT max(n) FROM x", "It ran longer than 5 seconds" },
        { "INSERT INTO number WITH RECURSIVE x(n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM x) SELECT n, 'endless' FROM x",
            "It ran longer than 5 seconds" },
        { "wait", "It was still running after twice its 5 seconds" },
        { "store", "It was still running after twice its 5 seconds" },
    };

    /// <summary>What a function can do wrong fails its item with a reason, and nothing of the others is lost or doubled.</summary>
    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task AMistakeFailsItsItemOnly(string mistake, string why)
    {
        using var released = new ManualResetEventSlim();
        SqliteTransaction? kept = null;
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<SqliteTransaction>(async (transaction, _) =>
            {
                transaction.Execute("INSERT INTO number VALUES(?, 'row')", n);
                if (n != 5) return;
                kept = transaction;
                if (mistake == "throw") throw new InvalidOperationException("five is closed");
                if (mistake == "cancel") throw new TaskCanceledException("The time limit of the client is over");
                if (mistake == "key") transaction.Execute("INSERT INTO number VALUES(?, 'row')", n);
                else if (mistake == "store") await Store.OpenStreamAsync("other", cancellation: CancellationToken.None);
                else if (mistake == "wait") released.Wait(CancellationToken.None);
                else transaction.Execute(mistake);
            });
            return default;
        });
        await CommitLab.RunAsync(numbers, 20, dead: 1);
        DeadLetter letter = Assert.Single(await numbers.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(("write", 5), (letter.Node, (int)letter.Item!));
        Assert.Contains(why, letter.Error, StringComparison.Ordinal);
        Assert.Equal("38 19", Counts());
        Assert.Contains("is no longer yours", Assert.Throws<InvalidOperationException>(() => kept!.Execute("DELETE FROM number")).Message,
            StringComparison.Ordinal);
        released.Set();
    }

    [Fact]
    public async Task WhereThereIsNoTransactionTheFirstCallIsRefused()
    {
        await RefusedAsync(Numbers(Ask<System.Text.StringBuilder>), "as a StringBuilder, and the store (SqliteStreamStore) has a "
            + "SqliteTransaction. Ask for the transaction of the store");
        await RefusedAsync(new("memory", source => source | Sink.OfAsync<int>((n, context, _) => Ask<SqliteTransaction>(n, context)),
            CommitLab.Options(new MemoryStreamStore())), "and the store (MemoryStreamStore) has none");
        await RefusedAsync(new("none", source => source | Sink.OfAsync<int>((n, context, _) => Ask<SqliteTransaction>(n, context)),
            CommitLab.Options(Store) with { Delivery = DeliveryGuarantee.None }), null);
        Exception alone = await Assert.ThrowsAnyAsync<Exception>(() => (Source.From([1])
            | Sink.OfAsync<int>((n, context, _) => Ask<SqliteTransaction>(n, context))).RunAsync(cancellation: Cancellation));
        Assert.Contains("this run has no commits", alone.ToString(), StringComparison.Ordinal);

        static ValueTask Ask<T>(int n, ItemContext context) where T : class
        {
            context.InTransaction<T>((_, _) => default);
            return default;
        }

        static async Task RefusedAsync(Consecutor<int> numbers, string? why)
        {
            await using (numbers)
            {
                await numbers.SendAsync(1, Cancellation);
                await numbers.StartAsync(Cancellation);
                ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
                Assert.Equal(0, end.Completed);
                if (why is null) return;             // a consecutor that loses failed items keeps no letters
                Assert.Contains(why, Assert.Single(await numbers.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation)).Error,
                    StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task AContextThatIsUsedTooLateIsRefused()
    {
        ItemContext kept = default;
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            if (n == 0) kept = context;
            return default;
        });
        await CommitLab.RunAsync(numbers, 1, dead: 0);
        Assert.Contains("too late, or not in the function of a sink", Assert.Throws<InvalidOperationException>(()
            => kept.InTransaction<SqliteTransaction>((_, _) => default)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFunctionThatIsAddedWhileTheCallEndsRunsOrIsRefused()
    {
        int added = 0;
        ConcurrentQueue<Task> adding = [];
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            bool hasBegun = false;
            adding.Enqueue(Task.Run(() =>
            {
                for (int i = 0; i < 40; i++)
                {
                    string kind = $"late {i}";
                    try
                    {
                        context.InTransaction<SqliteTransaction>((transaction, _) => Insert(transaction, n, kind));
                    }
                    catch (InvalidOperationException)
                    {
                        return;                      // too late
                    }
                    Interlocked.Increment(ref added);
                    Volatile.Write(ref hasBegun, i > n % 20);
                }
            }));
            while (!Volatile.Read(ref hasBegun)) Thread.SpinWait(1);
            return default;
        });
        await CommitLab.RunAsync(numbers, 2000, dead: 0);
        await Task.WhenAll(adding);
        Assert.Equal($"{added}", Ask("SELECT count(*) FROM number WHERE kind LIKE 'late%'"));
    }

    /// <summary>An item that becomes several, with a function for each of them; the functions of a failed attempt are gone.</summary>
    [Fact]
    public async Task FunctionsOfAnItemThatFailedDoNotRun()
    {
        bool hasFailed = false;
        await using var numbers = new Consecutor<int>("numbers", source => source | (static n => Enumerable.Range(10 * n, 10))
            | Sink.OfAsync<int>((n, context, _) =>
            {
                context.InTransaction<SqliteTransaction>((transaction, _) => Insert(transaction, n, hasFailed ? "again" : "failed"));
                if (n != 15 || hasFailed) return default;
                hasFailed = true;
                throw new InvalidOperationException("once");
            }), CommitLab.Options(Store));
        await CommitLab.RunAsync(numbers, 3, dead: 0);
        Assert.Equal("30 30", Counts());
        Assert.Equal("10", Ask("SELECT count(*) FROM number WHERE n BETWEEN 10 AND 19 AND kind = 'again'"));
    }

    /// <summary>The first attempt blocks its thread for longer than its limit, and then succeeds: its function does not run.</summary>
    [Fact]
    public async Task AnAttemptThatSucceedsTooLateAddsNothing()
    {
        var clock = new TestClock();
        int attempts = 0;
        await using Consecutor<int> numbers = Limited(clock, (n, context) =>
        {
            bool isFirst = Interlocked.Increment(ref attempts) == 1;
            context.InTransaction<SqliteTransaction>((transaction, _) => Insert(transaction, n, isFirst ? "late" : "again"));
            if (isFirst) clock.Advance(TimeSpan.FromSeconds(2));
            return default;
        });
        await CommitLab.RunAsync(numbers, 1, dead: 0);
        Assert.Equal((2, "1 1", "again"), (attempts, Counts(), Ask("SELECT kind FROM number")));
    }

    /// <summary>The first attempt ignores its token, and is not awaited. It goes on when other items have long been processed.</summary>
    [Fact]
    public async Task AnAttemptThatWasGivenUpKeepsItsIdAndAddsNothing()
    {
        var clock = new TestClock();
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var wentOn = new TaskCompletionSource<(string, string, int, Exception)>(TaskCreationOptions.RunContinuationsAsynchronously);
        int attempts = 0;
        await using Consecutor<int> numbers = Limited(clock, async (n, context) =>
        {
            if (n > 0 || Interlocked.Increment(ref attempts) > 1) return;
            context.InTransaction<SqliteTransaction>((transaction, _) => Insert(transaction, n, "left"));
            string id = context.Id;
            await goOn.Task;
            wentOn.SetResult((id, context.Id, context.Attempt, Assert.Throws<InvalidOperationException>(() =>
                context.InTransaction<SqliteTransaction>((transaction, _) => Insert(transaction, n, "later")))));
        });
        await numbers.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await numbers.StartAsync(Cancellation);
        while (Volatile.Read(ref attempts) < 2)
        {
            Cancellation.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.Equal(100, (await numbers.WaitForIdleAsync(Cancellation)).Completed);
        goOn.SetResult();
        var (before, after, attempt, refused) = await wentOn.Task.WaitAsync(Cancellation);
        Assert.Equal((before, 1), (after, attempt));
        Assert.Contains("too late", refused.Message, StringComparison.Ordinal);
        Assert.Equal("0 0", Counts());
    }

    private Consecutor<int> Limited(TestClock clock, Func<int, ItemContext, ValueTask> write) => new("numbers", source => source
        | (Sink.OfAsync<int>((n, context, _) => write(n, context)) | Stage.Timeout(TimeSpan.FromSeconds(1)).Retry(1, Backoff.None)),
        CommitLab.Options(Store) with { Run = new() { Time = clock } });

    private static ValueTask Insert(SqliteTransaction transaction, int n, string kind)
    {
        transaction.Execute("INSERT INTO number VALUES(?, ?)", n, kind);
        return default;
    }

    // Beside the function under test, a sink writes a row in the same commit.
    private Consecutor<int> Numbers(Func<int, ItemContext, ValueTask> write, bool hasKeys = false) => new("numbers", source => source
        | [s => s | (Sink.OfAsync<int>((n, context, _) => write(n, context)) | Stage.Named("write")),
            s => s | SqliteSink.InStore<int>("INSERT INTO number VALUES(?1, 'sink')", static n => [n])], CommitLab.Options(Store))
    { Key = hasKeys ? static n => $"{n % 3}" : null };

    private string Counts() => Ask("SELECT count(*) || ' ' || count(DISTINCT n) FROM number");

    private string Ask(string sql)
    {
        using Database database = Database.Open(Store.Path, readOnly: true);
        return database.Ask(sql)!;
    }
}
