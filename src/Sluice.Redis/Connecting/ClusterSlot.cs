using System.Net;
using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>A store on a Redis Cluster: all its keys have one hash tag, so they are in one slot, and the master of that slot is the server of the store.</summary>
internal static class ClusterSlot
{
    private const int Slots = 16384;

    /// <summary>The slot of a hash tag: its CRC-16 (XMODEM).</summary>
    public static int Of(string tag)
    {
        int crc = 0;
        foreach (byte one in System.Text.Encoding.UTF8.GetBytes(tag))
        {
            crc ^= one << 8;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
            crc &= 0xffff;
        }
        return crc % Slots;
    }

    /// <summary>Reads who serves a slot out of what CLUSTER SLOTS says: the master first, then its replicas; empty if nobody does.</summary>
    public static EndPoint[] ServersOf(int slot, RedisResult slots)
    {
        foreach (RedisResult one in (RedisResult[])slots)
        {
            var range = (RedisResult[])one;
            if (slot < (int)range[0] || slot > (int)range[1]) continue;
            return [.. range.Skip(2).Select(server => (RedisResult[])server).Select(server => ServerAddress.EndPointOf((string)server[0], (int)server[1]))];
        }
        return [];
    }
}
