using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>
/// Asks servers whether they are part of a cluster, on a connection of its own and without the client, which asks such servers what it does not understand, and hangs. A server that cannot be asked is none: the
/// client then says what is wrong.
/// </summary>
internal static class ClusterProbe
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    public static async Task<bool> IsClusteredAsync(ConfigurationOptions options, RemoteCertificateValidationCallback? judge, CancellationToken cancellation)
    {
        foreach (EndPoint server in options.EndPoints)
        {
            using var limit = new CancellationTokenSource(Longest, TimeProvider.System);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
            try
            {
                return (await AskAsync(options, server, judge, either.Token).ConfigureAwait(false)).Contains("cluster_enabled:1", StringComparison.Ordinal);
            }
            catch (Exception failure) when (failure is IOException or SocketException or AuthenticationException or FormatException or OperationCanceledException)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }
        return false;
    }

    private static async Task<string> AskAsync(ConfigurationOptions options, EndPoint server, RemoteCertificateValidationCallback? judge, CancellationToken cancellation)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellation).ConfigureAwait(false);
        Stream stream = new NetworkStream(socket);
        await using (stream.ConfigureAwait(false))
        {
            if (options.Ssl)
            {
                var secure = new SslStream(stream, leaveInnerStreamOpen: true, judge);
                stream = secure;
                string host = options.SslHost ?? (server is DnsEndPoint name ? name.Host : ((IPEndPoint)server).Address.ToString());
                await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host }, cancellation).ConfigureAwait(false);
            }
            if (!string.IsNullOrEmpty(options.Password)) await AskAsync(stream, cancellation, "AUTH", options.Password).ConfigureAwait(false);
            return await AskAsync(stream, cancellation, "INFO", "cluster").ConfigureAwait(false);
        }
    }

    // What a server answers to some words: a text, or a line.
    private static async Task<string> AskAsync(Stream server, CancellationToken cancellation, params string[] words)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (string word in words) text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        await server.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancellation).ConfigureAwait(false);

        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (line.Length < 2 || line[^1] != '\n')
        {
            await server.ReadExactlyAsync(one, cancellation).ConfigureAwait(false);
            line.Append((char)one[0]);
            if (line.Length > 1000) throw new FormatException();
        }
        if (line[0] != '$' || !int.TryParse(line.ToString(1, line.Length - 3), CultureInfo.InvariantCulture, out int length) || length is < 0 or > 1 << 20) return line.ToString();
        byte[] answer = new byte[length + 2];
        await server.ReadExactlyAsync(answer, cancellation).ConfigureAwait(false);
        return Encoding.UTF8.GetString(answer);
    }
}
