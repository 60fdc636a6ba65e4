namespace Sluice.Sqlite;

/// <summary>Writes of applications in the transactions of the store.</summary>
internal static class AttachmentCalls
{
    /// <summary>
    /// Runs attachments under a savepoint: if one fails, only they are rolled back, and the transaction continues for other callers.
    /// </summary>
    public static void Run(Session session, IReadOnlyList<ICommitAttachment> attachments)
    {
        if (attachments.Count == 0) return;
        bool before = session.HasTouched;
        session.Write();
        session.Sql("SAVEPOINT sink").Run();
        try
        {
            foreach (ICommitAttachment attachment in attachments)
                if (attachment is CommitFunctions functions) FunctionCalls.Run(session, functions);
                else ((SqliteWrites)attachment).Run(session.Database);
            session.Sql("RELEASE sink").Run();
        }
        catch (StreamStoreException)
        {
            // A constraint may have rolled back the whole transaction: the writer then repeats each call of it alone.
            if (!session.Database.IsInTransaction) throw;
            session.Sql("ROLLBACK TO sink").Run();
            session.Sql("RELEASE sink").Run();
            session.HasTouched = before;
            throw;
        }
    }

    public static int CountPlaces(Session session, string sql)
    {
        try
        {
            return session.Database.Foreign(sql).Parameters;
        }
        catch (SqliteFailure failure) when (failure is { IsFull: false, IsIo: false })
        {
            throw new StreamStoreException($"A statement of a sink cannot be run: {failure.Message}. The statement: {sql}", failure);
        }
    }
}
