using System.Text;

namespace Sluice.PostgreSql.Sources;

/// <summary>How far a publication was read.</summary>
/// <param name="IsSnapshot">Whether the snapshot is not complete: the next run takes another one.</param>
/// <param name="System">The identity of the server's data.</param>
/// <param name="Timeline">The timeline of the server.</param>
/// <param name="Slot">The replication slot.</param>
/// <param name="Flushed">The end of the last transaction that is complete.</param>
/// <param name="Transaction">The commit of the transaction behind it of which changes were read; zero if there is none.</param>
/// <param name="Count">How many of its changes were read.</param>
/// <param name="Publication">The id of the publication, which another one of its name does not have; zero if an earlier version has
/// stored the position.</param>
internal sealed record ChangesPosition(bool IsSnapshot, string System, uint Timeline, string Slot, ulong Flushed, ulong Transaction,
    long Count, long Publication)
{
    private const byte Version = 2;

    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using (var bytes = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            bytes.Write(Version);
            bytes.Write(IsSnapshot);
            bytes.Write(System);
            bytes.Write(Timeline);
            bytes.Write(Slot);
            bytes.Write(Flushed);
            bytes.Write(Transaction);
            bytes.Write(Count);
            bytes.Write(Publication);
        }
        return stream.ToArray();
    }

    public static ChangesPosition Read(ReadOnlyMemory<byte> position, string name)
    {
        using var bytes = new BinaryReader(new MemoryStream(position.ToArray()), Encoding.UTF8);
        byte version = bytes.ReadByte();
        if (version is 0 or > Version) throw new InvalidDataException(
            $"The position of the producer '{name}' is of version {version}, and this code knows {Version}: run the code that has stored "
                + "it, or a later one.");
        return new(bytes.ReadBoolean(), bytes.ReadString(), bytes.ReadUInt32(), bytes.ReadString(), bytes.ReadUInt64(), bytes.ReadUInt64(),
            bytes.ReadInt64(), version == 1 ? 0 : bytes.ReadInt64());
    }
}
