namespace Sluice.Sqlite;

/// <summary>Copies a store's file as of one moment.</summary>
internal static class Backup
{
    /// <summary>Writes the copy beside its final name first, flushes it, and then renames it.</summary>
    /// <param name="path">The store.</param>
    /// <param name="target">The copy.</param>
    /// <param name="cancellation">Ends the copy, and leaves no file.</param>
    /// <param name="beforeRename">For tests: called when the copy is complete under its first name.</param>
    public static bool Write(string path, string target, CancellationToken cancellation, Action? beforeRename = null)
    {
        if (File.Exists(target)) throw new StreamStoreException($"The file {target} exists already: give the copy a new name.");
        RefuseLeftLog(target);
        if (Directory.Exists(target)) throw new StreamStoreException($"{target} is a directory: give the copy the name of a new file.");
        if (Path.GetDirectoryName(target) is { Length: > 0 } folder && !Directory.Exists(folder))
            throw new StreamStoreException(
                $"The store {path} could not be copied to {target}: its directory does not exist. Make it first.");
        string partial = target + ".partial";
        using FileStream alone = Reserve(path, target);
        try
        {
            File.Delete(partial);
            using (Database database = Database.Open(path, readOnly: true))
            {
                Schema.CheckThere(database, path);   // also an earlier version: people copy a store before its upgrade
                database.InterruptWhen(cancellation);
                using Statement copy = database.Prepared("VACUUM INTO ?");
                copy.Put(partial).Run();
            }
            using (var written = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite)) written.Flush(flushToDisk: true);
            beforeRename?.Invoke();
            cancellation.ThrowIfCancellationRequested();
            RefuseLeftLog(target);
            File.Move(partial, target);
            return true;
        }
        catch (Exception failure) when (failure is SqliteFailure or IOException or UnauthorizedAccessException)
        {
            string rest = TryDelete(partial) ? "There is no new file." : $"The unfinished copy {partial} could not be deleted.";
            cancellation.ThrowIfCancellationRequested();
            throw new StreamStoreException($"The store {path} could not be copied to {target}: {failure.Message.TrimEnd('.')}. {rest}",
                failure);
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or StreamStoreException)
        {
            TryDelete(partial);                      // if it cannot be deleted, the next copy to this name deletes it
            throw;
        }
    }

    // SQLite would take it for the log of the copy, and show what was in the former one.
    private static void RefuseLeftLog(string target)
    {
        foreach (string log in (string[])["-wal", "-journal"])
            if (File.Exists(target + log)) throw new StreamStoreException(
                $"The file {target}{log} is left of a former copy, and would be taken for the log of this one: delete it, or give the copy "
                    + "a new name.");
    }

    // Two backups to one target would share the unfinished copy.
    private static FileStream Reserve(string path, string target)
    {
        try
        {
            return new(target + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StreamStoreException($"The store {path} could not be copied to {target}: another backup writes there, or its directory "
                + $"cannot be written: {failure.Message}", failure);
        }
    }

    private static bool TryDelete(string file)
    {
        try
        {
            File.Delete(file);
            return true;
        }
        catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
        {
            return !Path.Exists(file);
        }
    }
}
