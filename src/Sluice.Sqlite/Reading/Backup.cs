namespace Sluice.Sqlite;

/// <summary>Copies a store's file as of one moment.</summary>
internal static class Backup
{
    /// <summary>Writes the copy beside its final name first, flushes it, and then renames it.</summary>
    public static bool Write(string path, string target, CancellationToken cancellation)
    {
        if (File.Exists(target)) throw new StreamStoreException($"The file {target} exists already: give the copy a new name.");
        if (Directory.Exists(target)) throw new StreamStoreException($"{target} is a directory: give the copy the name of a new file.");
        string partial = target + ".partial";
        try
        {
            File.Delete(partial);
            using (Database database = Database.Open(path, readOnly: true))
            {
                Schema.CheckReadable(database, path);
                database.InterruptWhen(cancellation);
                using Statement copy = database.Prepared("VACUUM INTO ?");
                copy.Put(partial).Run();
            }
            using (var written = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite)) written.Flush(flushToDisk: true);
            cancellation.ThrowIfCancellationRequested();
            File.Move(partial, target);
            return true;
        }
        catch (SqliteFailure failure)
        {
            Delete(partial);
            cancellation.ThrowIfCancellationRequested();
            throw new StreamStoreException($"The store {path} could not be copied to {target}: {failure.Message}. There is no new file.",
                failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Delete(partial);
            throw new StreamStoreException(
                $"The store {path} could not be copied to {target}: {failure.Message} There is no new file.", failure);
        }
        catch (OperationCanceledException)
        {
            Delete(partial);
            throw;
        }
    }

    private static void Delete(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
        {
            // The failure to copy is the one to report. The next copy to this name deletes the file.
        }
    }
}
