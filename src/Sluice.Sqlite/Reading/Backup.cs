namespace Sluice.Sqlite;

/// <summary>Copies a store's file as of one moment.</summary>
internal static class Backup
{
    /// <summary>Writes the copy beside its final name first, flushes it, and then renames it.</summary>
    public static bool Write(string path, string target)
    {
        if (File.Exists(target)) throw new StreamStoreException($"The file {target} exists already: give the copy a new name.");
        string partial = target + ".partial";
        try
        {
            File.Delete(partial);
            using (Database database = Database.Open(path, readOnly: true))
            {
                Schema.CheckReadable(database, path);
                using Statement copy = database.Prepared("VACUUM INTO ?");
                copy.Put(partial).Run();
            }
            using (var written = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite)) written.Flush(flushToDisk: true);
            File.Move(partial, target);
            return true;
        }
        catch (SqliteFailure failure)
        {
            File.Delete(partial);
            throw new StreamStoreException($"The store {path} could not be copied to {target}: {failure.Message}.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StreamStoreException($"The store {path} could not be copied to {target}: {failure.Message}", failure);
        }
    }
}
