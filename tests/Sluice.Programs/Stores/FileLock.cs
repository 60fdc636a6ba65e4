using SQLitePCL;

namespace Sluice.Programs;

/// <summary>Holds the lock of a database file, as a backup or a tool may do, until standard input ends.</summary>
internal static class FileLock
{
    public static void Hold(string path)
    {
        Batteries_V2.Init();
        if (raw.sqlite3_open(path, out sqlite3 handle) != raw.SQLITE_OK) throw new InvalidOperationException($"{path} cannot be opened.");
        using (handle)
        {
            raw.sqlite3_busy_timeout(handle, 60_000);
            if (raw.sqlite3_exec(handle, "BEGIN IMMEDIATE") is var result && result != raw.SQLITE_OK)
                throw new InvalidOperationException($"{path} cannot be locked: {result}.");
            Console.WriteLine("locked");
            Console.In.ReadToEnd();
        }
    }
}
