using Npgsql;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// A store in a schema of the shared server that is empty. A kill during a call ends the connections of the store on the server, and so
/// does each third of the other kills: new connections are the most expensive part of a kill.
/// </summary>
internal sealed class PostgresStoreFixture(string address, PostgresStoreOptions? options = null, bool timeStands = false)
    : StreamStoreFixture
{
    private readonly EmptiedSchema schema = EmptiedSchema.Rent(address, options?.TransactionPooling == true);
    private readonly PassedTime time = new(timeStands);
    private int kills;

    /// <summary><c>SLUICE_SHARE=1</c> kills at each call.</summary>
    public override int KillStride => ScenarioStore.Share == 1 ? 1 : Repetitions.Of(8, all: 3);

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider clock)
        => new CallCounter(await PostgresStreamStore.OpenAsync(schema.Connections,
        (options ?? new()) with
        {
            Time = clock,
            Schema = schema.Name,
            ServerTime = () => time.Now,
            Known = KnownRows.CompareAsync,
            Timeout = Patient.Options.Timeout
        }));

    public override async ValueTask KillAsync(IStreamStore store)
    {
        if (((CallCounter)store).Calls > 0 || ++kills % 3 == 0) await schema.KillAsync();
        await store.DisposeAsync();
    }

    public override bool HasTransactions => true;

    public override async ValueTask<StoreTransaction> BeginTransactionAsync()
    {
        NpgsqlConnection connection = await SharedServer.Current.Direct.OpenConnectionAsync();
        return new Transaction(connection, await connection.BeginTransactionAsync());
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await schema.ReturnAsync();
    }

    /// <summary>Changes a bit of the payload, in its block or in its row.</summary>
    public override ValueTask<bool> DamageAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => ChangeAsync(payload, table => $"UPDATE {schema.Name}.{table} SET body = set_byte(body, position($1 IN body) - 1, "
        + "get_byte(body, position($1 IN body) - 1) # 1) WHERE position($1 IN body) > 0", "chunk", "waiting", "dead");

    /// <summary>Deletes the block that contains the entry.</summary>
    public override ValueTask<bool> DeleteAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => ChangeAsync(payload, table => $"DELETE FROM {schema.Name}.{table} WHERE position($1 IN body) > 0", "chunk");

    public override ValueTask PassTimeAsync(TestClock clock, TimeSpan span)
    {
        time.Pass(span);
        return base.PassTimeAsync(clock, span);
    }

    private async ValueTask<bool> ChangeAsync(ReadOnlyMemory<byte> payload, Func<string, string> change, params string[] tables)
    {
        await using NpgsqlConnection connection = await SharedServer.Current.Direct.OpenConnectionAsync();
        int changed = 0;
        foreach (string table in tables)
        {
            await using var command = new NpgsqlCommand(change(table), connection);
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = payload.ToArray() });
            changed += await command.ExecuteNonQueryAsync();
        }
        // Who changes rows by hand changes the stamp, too: processes know what they have written.
        await using var stamp = new NpgsqlCommand($"UPDATE {schema.Name}.stream SET stamp = stamp + 1", connection);
        await stamp.ExecuteNonQueryAsync();
        return changed > 0;
    }

    private sealed class Transaction(NpgsqlConnection connection, NpgsqlTransaction transaction) : StoreTransaction
    {
        private const string Savepoint = "here";

        public override async ValueTask SendAsync(IStreamStore store, string stream, EntryBatch entries)
        {
            SendResult sent = await new CallerTransaction((PostgresStreamStore)store.Root, stream, connection)
                .SendAsync(entries, null, CancellationToken.None);
            Assert.Equal(new(SendStatus.Accepted, entries.Count), sent);
        }

        public override async ValueTask SaveAsync() => await transaction.SaveAsync(Savepoint);

        public override async ValueTask RollbackToSavepointAsync() => await transaction.RollbackAsync(Savepoint);

        public override async ValueTask CommitAsync() => await transaction.CommitAsync();

        public override async ValueTask RollbackAsync() => await transaction.RollbackAsync();

        public override async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }

    /// <summary>Counts the calls that have not returned.</summary>
    private sealed class CallCounter(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private int calls;

        public int Calls => Volatile.Read(ref calls);

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            Interlocked.Increment(ref calls);
            try
            {
                return await call();
            }
            finally
            {
                Interlocked.Decrement(ref calls);
            }
        }
    }
}
