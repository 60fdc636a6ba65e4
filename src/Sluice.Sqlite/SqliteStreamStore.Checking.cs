namespace Sluice.Sqlite;

public sealed partial class SqliteStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default)
    {
        // So that all acknowledged writes are in the file.
        await CallAsync(session => session.Generation, cancellation).ConfigureAwait(false);
        return await OwnThread.RunAsync("sluice check", () =>
        {
            try
            {
                using Database database = file.OpenToRead();
                return new IntegrityCheck(database, cancellation).Run();
            }
            catch (SqliteFailure failure)
            {
                throw failure.Explain(file.Path, isLook: true);
            }
        }).ConfigureAwait(false);
    }

    // Over a read-only connection, so that a partition with much state delays no other call. Parallel acquisitions take turns.
    private async ValueTask<string?> FindDamageAsync(GroupId group, int partition, CancellationToken cancellation)
    {
        if (disposal.HasBegun) throw DisposedStore.Error(file.Path);
        await looking.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await OwnThread.RunAsync("sluice look", () => Look(group, partition)).ConfigureAwait(false);
        }
        finally
        {
            looking.Release();
        }
    }

    private string? Look(GroupId group, int partition)
    {
        try
        {
            using Database database = file.OpenToRead();
            database.Execute("BEGIN");
            string? damage = new PartitionCheck(database, group.Stream, group.Name, partition).Find();
            database.Execute("COMMIT");
            return damage;
        }
        catch (SqliteFailure failure) when (failure.IsCorrupt)
        {
            return $"The rows of {group}/{partition} cannot be read: {failure.Message}.";
        }
        catch (SqliteFailure failure)
        {
            throw failure.Explain(file.Path, isLook: true);
        }
    }
}
