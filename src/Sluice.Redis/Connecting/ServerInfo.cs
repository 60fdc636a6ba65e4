namespace Sluice.Redis;

/// <summary>The server's reply to INFO.</summary>
internal sealed class ServerInfo
{
    private readonly Dictionary<string, string> values;

    private ServerInfo(Dictionary<string, string> values) => this.values = values;

    public string RunId => this["run_id"];
    public string Version => this["redis_version"];
    public int MajorVersion => int.TryParse(Version.Split('.')[0], CultureInfo.InvariantCulture, out int major) ? major : 0;

    /// <summary>Whether the server copies another one.</summary>
    public bool IsReplica => this["role"] == "slave";

    public bool IsLoading => this["loading"] == "1";
    /// <summary>Whether the server says that it has no append-only file.</summary>
    public bool LacksLog => this["aof_enabled"] == "0";

    public bool HasLog => this["aof_enabled"] == "1";
    public bool IsRewriting => this["aof_rewrite_in_progress"] == "1" || this["aof_rewrite_scheduled"] == "1";
    public bool RewriteFailed => this["aof_last_bgrewrite_status"] != "ok";

    /// <summary>The server's policy for full memory; empty if unknown.</summary>
    public string EvictionPolicy => this["maxmemory_policy"];

    public bool IsClustered => this["cluster_enabled"] == "1";

    /// <summary>The number of rewrites of the append-only file that this run of the server has begun.</summary>
    public long Rewrites => long.TryParse(this["aof_rewrites"], CultureInfo.InvariantCulture, out long rewrites) ? rewrites : 0;

    private string this[string name] => values.GetValueOrDefault(name, "");

    public static ServerInfo Read(string? text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in (text ?? "").Split('\n'))
            if (line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon) values[line[..colon]] = line[(colon + 1)..].Trim();
        return new(values);
    }
}
