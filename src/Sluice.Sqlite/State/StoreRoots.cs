namespace Sluice.Sqlite;

/// <summary>
/// The digest of all streams and groups. It detects a missing row, without which a stream or group would begin anew under its name.
/// </summary>
internal static class StoreRoots
{
    /// <summary>Returns the contribution of a stream.</summary>
    public static long OfStream(long id, string name) => new RowSum().Add("stream").Add(id).Add(name).Value;

    /// <summary>Returns the contribution of a group.</summary>
    public static long OfGroup(long id, long stream, string name) => new RowSum().Add("group").Add(id).Add(stream).Add(name).Value;

    /// <summary>Computes the digest from the rows.</summary>
    public static long Compute(Database database)
    {
        long digest = 0;
        using (Statement streams = database.Prepared("SELECT id, name FROM sluice_stream"))
            while (streams.Next()) digest += OfStream(streams.Long(0), streams.Text(1));
        using (Statement groups = database.Prepared("SELECT id, stream, name FROM sluice_group"))
            while (groups.Next()) digest += OfGroup(groups.Long(0), groups.Long(1), groups.Text(2));
        return digest;
    }

    /// <summary>The error for a digest that differs from the last transaction's.</summary>
    public const string Damage =
        "The store has lost the row of a stream or of a group, or its name was changed (sluice_stream, sluice_group): under its name it "
        + "would begin anew, without what it had. Nothing was changed. Restore a backup.";
}
