using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Sluice.Redis;

/// <summary>
/// A short connection to one server without the client, which hangs on a Redis Cluster because it cannot parse the replies of Redis 7 about
/// it. Not thread-safe.
/// </summary>
internal sealed class RawServer : IAsyncDisposable
{
    private const string Replies = "+-:$*_,#!=(%~>|";         // the first letters of replies, in RESP 2 and 3

    private readonly Stream stream;

    private RawServer(Stream stream) => this.stream = stream;

    /// <summary>Whether a failure means that the server does not answer.</summary>
    public static bool IsNoAnswer(Exception failure)
        => failure is IOException or SocketException or AuthenticationException or FormatException or OperationCanceledException;

    /// <summary>Connects, with TLS, user and password from the options.</summary>
    public static async Task<RawServer> ConnectAsync(ConfigurationOptions options, EndPoint server,
        RedisStoreOptions store, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(server, cancellation).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (options.Ssl)
            {
                var secure = new SslStream(stream, leaveInnerStreamOpen: false);
                stream = secure;
                await secure.AuthenticateAsClientAsync(Tls(options, server, store), cancellation).ConfigureAwait(false);
            }
            var raw = new RawServer(stream);
            if (options.Password is { Length: > 0 } password)
                await raw.AskAsync(cancellation, options.User is { Length: > 0 } user ? ["AUTH", user, password] : ["AUTH", password])
                    .ConfigureAwait(false);
            return raw;
        }
        catch
        {
            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
            socket.Dispose();
            throw;
        }
    }

    // As the client does it. Its own callbacks for certificates cannot be read.
    private static SslClientAuthenticationOptions Tls(ConfigurationOptions options, EndPoint server, RedisStoreOptions store)
    {
        string host = options.SslHost ?? (server is DnsEndPoint name ? name.Host : ((IPEndPoint)server).Address.ToString());
        if (options.SslClientAuthenticationOptions?.Invoke(host) is { } own)
        {
            own.RemoteCertificateValidationCallback ??= store.CertificateValidation;
            own.LocalCertificateSelectionCallback ??= store.CertificateSelection;
            return own;
        }
        return new()
        {
            TargetHost = host,
            EnabledSslProtocols = options.SslProtocols ?? SslProtocols.None,
            CertificateRevocationCheckMode = options.CheckCertificateRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = store.CertificateValidation,
            LocalCertificateSelectionCallback = store.CertificateSelection,
        };
    }

    /// <summary>Sends a command, and returns its reply: a text, or a line with its type character (<c>+</c>, <c>-</c>, <c>:</c>).</summary>
    public async Task<string> AskAsync(CancellationToken cancellation, params string[] words)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (string word in words) text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancellation).ConfigureAwait(false);

        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (line.Length < 2 || line[^1] != '\n')
        {
            await stream.ReadExactlyAsync(one, cancellation).ConfigureAwait(false);
            line.Append((char)one[0]);
            if (line.Length == 1 && !Replies.Contains(line[0])) throw new OtherProtocolException();
            if (line.Length > 1000) throw new FormatException();
        }
        line.Length -= 2;
        if (line[0] != '$' || !int.TryParse(line.ToString(1, line.Length - 1), CultureInfo.InvariantCulture, out int length)
            || length is < 0 or > 1 << 20) return line.ToString();
        byte[] answer = new byte[length + 2];
        await stream.ReadExactlyAsync(answer, cancellation).ConfigureAwait(false);
        return Encoding.UTF8.GetString(answer, 0, length);
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}

/// <summary>What answers is no Redis server: its first byte begins no reply of Redis.</summary>
internal sealed class OtherProtocolException : FormatException;
