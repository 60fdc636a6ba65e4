using NpgsqlTypes;

namespace Sluice.PostgreSql.Sources;

/// <summary>Refuses servers and slots with which changes would be lost. Each error says what was lost, and what to do.</summary>
internal static class SlotCheck
{
    private const string Anew = "Give the producer another name, to begin with a snapshot.";

    public static void Server(ChangesServer server, ChangesPosition? position, string name, string publication)
    {
        if (server.IsStandby) throw new InvalidDataException(
            $"The producer '{name}' is connected to a standby: a slot belongs to the primary. Connect to the primary, or name all "
                + "servers (Host=a,b): the source finds the primary.");
        if (server.WalLevel != "logical") throw new InvalidDataException(
            $"The server of the producer '{name}' has wal_level={server.WalLevel}, and logical replication needs wal_level=logical: set "
                + "it in postgresql.conf, and restart the server.");
        if (server.Publication == 0 && position is { Publication: not 0 }) throw NoPublication(publication, name, position, null);
        if (server.Publication == 0) throw new InvalidDataException(
            $"There is no publication '{publication}' for the producer '{name}': CREATE PUBLICATION {publication} FOR TABLE …");
    }

    /// <summary>Checks the publication and the slot of a stored position, before it is read from again.</summary>
    public static void Slot(SlotState? slot, ChangesPosition position, ChangesServer server, (string System, uint Timeline) identity,
        string database, string name, string publication)
    {
        if (identity.System != position.System) throw new InvalidDataException(
            $"The producer '{name}' is connected to another server than before (system {identity.System}, and {position.System} then): "
                + $"places in its log mean nothing here. Connect to the old one; or: {Anew}");
        if (position.Publication != 0 && position.Publication != server.Publication)
            throw NoPublication(publication, name, position, null);
        if (slot is null) throw new InvalidDataException(identity.Timeline != position.Timeline
            ? $"The server of the producer '{name}' is a replica that was promoted (timeline {identity.Timeline}, and {position.Timeline} "
                + $"before), and it does not have the slot {position.Slot}: changes since {Lsn(position.Flushed)} may be lost. {Anew}"
            : $"The slot {position.Slot} of the producer '{name}' was dropped: changes since {Lsn(position.Flushed)} are lost. {Anew}");
        if (slot.WalStatus == "lost") throw new InvalidDataException(
            $"The server has invalidated the slot {position.Slot} of the producer '{name}', because it has kept more of the log than "
                + $"max_slot_wal_keep_size: changes since {Lsn(position.Flushed)} are lost. Drop the slot. {Anew}");
        if (slot.Plugin != "pgoutput" || slot.Database != database) throw new InvalidDataException(
            $"The slot {position.Slot} of the producer '{name}' is another one now: of the plugin '{slot.Plugin}' and the database "
                + $"'{slot.Database}'. Changes since {Lsn(position.Flushed)} are lost. {Anew}");
        if (slot.Flushed > position.Flushed) throw new InvalidDataException(
            $"The slot {position.Slot} of the producer '{name}' is at {Lsn(slot.Flushed)}, and the producer has accepted changes up to "
                + $"{Lsn(position.Flushed)}: another program has read from the slot or made it anew, or the store is a copy of an earlier "
                + $"time. The changes between are lost. {Anew}");
        if (server.End < position.Flushed) throw new InvalidDataException(
            $"The log of the server ends at {Lsn(server.End)}, and the producer '{name}' has accepted changes up to "
                + $"{Lsn(position.Flushed)}: the server lacks its last transactions (a replica that was promoted, or an older backup). "
                + $"What was accepted does not fit it. {Anew}");
    }

    /// <summary>The server reads its log with the publications of the time of a change. If there was none, PostgreSQL up to 17 fails, and
    /// later ones leave the change out.</summary>
    public static InvalidDataException NoPublication(string publication, string name, ChangesPosition position, Exception? cause) => new(
        $"The publication '{publication}' of the producer '{name}' was dropped since {Lsn(position.Flushed)} in the server's log, and "
            + "perhaps created again: the changes between cannot be read any more. Create it if it is not there, and drop the slot "
            + $"{position.Slot}. {Anew}", cause);

    public static string Lsn(ulong place) => new NpgsqlLogSequenceNumber(place).ToString();
}
