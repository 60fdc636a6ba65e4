namespace Sluice.PostgreSql;

/// <summary>Opens a store: waits for the server, checks it, and creates or checks the tables.</summary>
internal static class StoreOpening
{
    private static readonly Version Oldest = new(13, 0);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public static async Task<(string Id, int Generation, bool IsSafe, long Seen)> OpenAsync(NpgsqlDataSource source, Sql sql,
        StorePlace place, ServerSilence silence, PostgresStoreOptions options, CancellationToken cancellation)
    {
        long first = TimeProvider.System.GetTimestamp();
        while (true)
        {
            long begun = TimeProvider.System.GetTimestamp();
            try
            {
                return await source.UseOwnAsync(connection => TryAsync(connection, sql, place, options, cancellation), cancellation)
                    .ConfigureAwait(false);
            }
            catch (Exception failure) when (IsInTheWay(failure) && TimeProvider.System.GetElapsedTime(first) < options.Timeout)
            {
                // The server answers, but other transactions use the tables that an upgrade changes.
            }
            catch (Exception failure) when (IsInTheWay(failure))
            {
                throw new StreamStoreException(
                    $"The tables of the store at {place} must be created, or changed to the version that this library needs, and other "
                        + $"transactions have used them for {TimeProvider.System.GetElapsedTime(first).TotalSeconds:0.#} s. Nothing was "
                        + "changed. Look for long transactions in pg_stat_activity (a backup, a vacuum, or an application that has sent "
                        + "items and not committed), and open the store again when they have ended.", failure);
            }
            catch (Exception failure) when (Failures.Unsafe(failure) is not null || Failures.IsSourceGone(failure))
            {
                throw Failures.Explain(failure, place, mayHaveRun: false);           // to wait would not help
            }
            catch (Exception failure) when (Failures.MayPass(failure) && TimeProvider.System.GetElapsedTime(first) < options.Timeout)
            {
                silence.Miss(begun, failure);
            }
            catch (Exception failure) when (failure is NpgsqlException or IOException or TimeoutException
                or System.Net.Sockets.SocketException)
            {
                throw NotThere(Failures.Explain(failure, place, mayHaveRun: false), failure, place);
            }
            await RetryPause.WaitAsync(Pause, TimeProvider.System, cancellation).ConfigureAwait(false);
        }
    }

    private static bool IsInTheWay(Exception failure) => Failures.IsLocked(failure) || Failures.IsConflict(failure);

    private static Exception NotThere(Exception explained, Exception failure, StorePlace place)
        => failure is PostgresException ? explained : new StreamStoreException(
            $"No PostgreSQL server answers at {place.Server}: is it running, and is that its address? ({failure.Message})", failure);

    private static async Task<(string Id, int Generation, bool IsSafe, long Seen)> TryAsync(NpgsqlConnection connection, Sql sql,
        StorePlace place, PostgresStoreOptions options, CancellationToken cancellation)
    {
        if (connection.PostgreSqlVersion < Oldest)
            throw new StreamStoreException(
                $"The PostgreSQL server at {place.Server} has the version {connection.PostgreSqlVersion}; a store needs {Oldest.Major} or "
                    + "later.")
            { IsPermanent = true };
        await using (var state = new NpgsqlCommand("SELECT pg_is_in_recovery(), current_setting('server_encoding')", connection))
        await using (NpgsqlDataReader found = await state.ExecuteReaderAsync(cancellation).ConfigureAwait(false))
        {
            await found.ReadAsync(cancellation).ConfigureAwait(false);
            if (found.GetBoolean(0)) throw Failures.Standby();
            if (found.GetString(1) != "UTF8")
                throw new StreamStoreException($"The database {place.Database} at {place.Server} has the encoding {found.GetString(1)}: a "
                    + "store needs UTF8, or names and errors cannot be written. Use a database that was made with ENCODING 'UTF8'.")
                { IsPermanent = true };
        }
        await SchemaSetup.EnsureAsync(connection, sql, place, options.AutoCreate, cancellation).ConfigureAwait(false);
        await using var read = new NpgsqlCommand(sql.Text("SELECT store, generation, current_setting('fsync') = 'on' "
            + "AND current_setting('full_page_writes') = 'on' AND current_setting('synchronous_commit') <> 'off', "
            + "COALESCE((SELECT max(time) FROM ~stream), 0) FROM ~meta"), connection);
        await using NpgsqlDataReader row = await read.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (!await row.ReadAsync(cancellation).ConfigureAwait(false)) throw Failures.Missing("the store's first table (meta)");
        return (row.GetString(0), row.GetInt32(1), row.GetBoolean(2), row.GetInt64(3));
    }
}
