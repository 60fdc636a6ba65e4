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
}
