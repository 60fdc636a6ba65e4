using System.Net;

namespace Sluice.Redis;

/// <summary>The servers of a cluster, as one of them reports them (<c>CLUSTER NODES</c>).</summary>
internal sealed class ClusterNodes
{
    private ClusterNodes(IReadOnlyList<Node> nodes) => All = nodes;

    /// <summary>The servers with an address.</summary>
    public IReadOnlyList<Node> All { get; }

    /// <summary>Parses a reply.</summary>
    /// <param name="text">The reply.</param>
    /// <param name="asked">The server that sent it; its address is used if it does not know its own.</param>
    /// <param name="usesNames">Whether to use the announced host names, which certificates are made for.</param>
    public static ClusterNodes Read(string text, EndPoint asked, bool usesNames)
    {
        var nodes = new List<Node>();
        foreach (string line in text.Split('\n'))
        {
            // id ip:port@bus,name flags master ping pong epoch state slot slot-slot [moving] …
            string[] words = line.Split(' ');
            if (words.Length < 8 || !long.TryParse(words[6], CultureInfo.InvariantCulture, out long epoch)) continue;
            string[] flags = words[2].Split(',');
            if (flags.Contains("handshake")) continue;
            EndPoint? address = Address(words[1], usesNames) ?? (flags.Contains("myself") ? asked : null);
            if (address is not null) nodes.Add(new(address, flags.Contains("fail"), epoch, [.. words[8..].SelectMany(Slots)]));
        }
        return new(nodes);
    }

    /// <summary>Returns the server of a slot; null if there is none.</summary>
    public Node? Owner(int slot) => All.Where(node => Array.Exists(node.Slots, range => range.First <= slot && slot <= range.Last))
        .MaxBy(node => node.Epoch);

    private static EndPoint? Address(string word, bool usesNames)
    {
        string[] parts = word.Split(',');
        string where = parts[0].Split('@')[0];
        int colon = where.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(where[(colon + 1)..], CultureInfo.InvariantCulture, out int port) || port is <= 0 or > 65535)
            return null;
        string host = where[..colon], name = parts.Length > 1 && !parts[1].Contains('=', StringComparison.Ordinal) ? parts[1] : "";
        if (name.Length > 0 && (usesNames || host.Length == 0)) host = name;
        if (host.Length == 0) return null;
        return IPAddress.TryParse(host, out IPAddress? number) ? new IPEndPoint(number, port) : new DnsEndPoint(host, port);
    }

    private static IEnumerable<(int First, int Last)> Slots(string word)
    {
        string[] ends = word.Split('-');
        if (ends.Length <= 2 && int.TryParse(ends[0], CultureInfo.InvariantCulture, out int first)
            && int.TryParse(ends[^1], CultureInfo.InvariantCulture, out int last)) yield return (first, last);
    }

    /// <summary>A server of the cluster.</summary>
    /// <param name="Address">Its address.</param>
    /// <param name="HasFailed">Whether the cluster has agreed that it failed.</param>
    /// <param name="Epoch">Its configuration epoch: of two servers that claim a slot, the higher one wins.</param>
    /// <param name="Slots">The slots that it serves.</param>
    internal sealed record Node(EndPoint Address, bool HasFailed, long Epoch, (int First, int Last)[] Slots);
}
