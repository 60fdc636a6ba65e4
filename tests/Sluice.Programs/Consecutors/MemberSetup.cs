using System.Text.Json;

namespace Sluice.Programs;

/// <summary>One of the processes that run the same consecutor; given to it as JSON.</summary>
/// <param name="Name">The member.</param>
/// <param name="Store">The address of a Redis server, the path of a SQLite file, or the connection string of a PostgreSQL server
/// (<c>Host=…</c>).</param>
/// <param name="Directory">Where what the test says to it stands, as files.</param>
/// <param name="LeaseTime">How long others may be silent.</param>
/// <param name="Partitions">Of its stream.</param>
public sealed record MemberSetup(string Name, string Store, string Directory, TimeSpan LeaseTime, int Partitions)
{
    /// <summary>How often an item that fails is tried again, a tenth of a second later.</summary>
    public int Replays { get; init; } = 1000;

    /// <summary>The version of its code.</summary>
    public int CodeVersion { get; init; }

    /// <summary>Whether its pipeline has a node that others may not have: <c>later</c>.</summary>
    public bool HasLater { get; init; }

    /// <summary>How many hours its clock on the wall is ahead.</summary>
    public int HoursAhead { get; init; }

    /// <summary>While this file is not there, items that are to fail do.</summary>
    public string MendedFile => Path.Combine(Directory, "mended");

    /// <summary>While this file is there, the commits of this member are not answered.</summary>
    public string DeafFile => Path.Combine(Directory, $"{Name}.deaf");

    /// <summary>Reads what was written by <see cref="ToString"/>.</summary>
    public static MemberSetup Parse(string json) => JsonSerializer.Deserialize<MemberSetup>(json)!;

    /// <inheritdoc/>
    public override string ToString() => JsonSerializer.Serialize(this);
}
