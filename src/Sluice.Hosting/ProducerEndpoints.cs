using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Sluice.Hosting;

/// <summary>Endpoints that accept items for consecutors over HTTP.</summary>
public static class ProducerEndpoints
{
    /// <summary>
    /// Maps a <c>POST</c> endpoint that accepts items: <c>app.MapProducer("/payments", payments)</c>. It responds with 202 once the items
    /// are as durable as the consecutor's store.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A body is one item (<c>application/json</c>), or one item per line (<c>application/x-ndjson</c>); the items of a body are accepted
    /// together, or none is. The consecutor's serializer reads them strictly, as items of its type only
    /// (<see cref="PayloadSerializer.AtDoor{T}"/>): members in any casing, all that the item needs, and no others.
    /// </para>
    /// <para>
    /// With the header <c>Idempotency-Key</c>, a request that is repeated within <see cref="HttpProducerOptions.IdempotencyWindow"/> gets
    /// its 202 again without being accepted again. This holds after a restart, and while the first request is in progress.
    /// </para>
    /// <para>
    /// Responses: 202 accepted; 400 malformed, with line, byte and field; 408 too slow; 410 the input of the consecutor is
    /// complete; 413 too large; 415 unsupported content type; 422
    /// the key was used for another request, or the item cannot be stored; 429 no room, with <c>Retry-After</c>; 503 the store or the
    /// consecutor fails. All but 202 have a body of <c>application/problem+json</c>. Nothing was accepted then, except that 503 may have
    /// been: repeat it with the same key.
    /// </para>
    /// <para>To restrict access, configure the result, for example with <c>RequireAuthorization</c>.</para>
    /// </remarks>
    /// <param name="endpoints">The endpoints of the application.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="consecutor">The receiver of the items. You start and stop it; items accepted before its start wait in its
    /// store.</param>
    /// <param name="options">Limits and timeouts.</param>
    /// <exception cref="InvalidOperationException">The consecutor has no store, so accepted items would not be durable.</exception>
    public static IEndpointConventionBuilder MapProducer<T>(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Consecutor<T> consecutor,
            HttpProducerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(consecutor);
        return endpoints.MapProducer(pattern, consecutor, consecutor.Serializer, options);
    }

    /// <summary>
    /// Maps a <c>POST</c> endpoint that accepts items for a consecutor of the host (<see cref="SluiceBuilder.AddConsecutor{T}"/>):
    /// <c>app.MapProducer&lt;Payment&gt;("/payments")</c>.
    /// </summary>
    /// <inheritdoc cref="MapProducer{T}(IEndpointRouteBuilder, string, Consecutor{T}, HttpProducerOptions?)"/>
    /// <param name="endpoints">The endpoints of the application.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="consecutor">The name of the consecutor; it may be left out if one consecutor takes items of the type. Then
    /// name the argument behind it: <c>options: …</c>.</param>
    /// <param name="options">Limits and timeouts.</param>
    /// <exception cref="InvalidOperationException">The host has no such consecutor.</exception>
    public static IEndpointConventionBuilder MapProducer<T>(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, string? consecutor = null,
            HttpProducerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints.MapProducer(pattern, SluiceBuilder.Find<T>(endpoints.ServiceProvider, consecutor), options);
    }

    /// <summary>
    /// Maps a <c>POST</c> endpoint with a serializer of its own: <c>app.MapProducer("/payments", payments,
    /// PayloadSerializer.Json(ApiJson.Default.Payment))</c>.
    /// </summary>
    /// <inheritdoc cref="MapProducer{T}(IEndpointRouteBuilder, string, Consecutor{T}, HttpProducerOptions?)"/>
    /// <param name="endpoints">The endpoints of the application.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="consecutor">The receiver of the items. You start and stop it; items accepted before its start wait in its
    /// store.</param>
    /// <param name="serializer">Reads the bodies; the store has the consecutor's format in any case. Thread-safe.</param>
    /// <param name="options">Limits and timeouts.</param>
    public static IEndpointConventionBuilder MapProducer<T>(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Consecutor<T> consecutor,
            IPayloadSerializer<T> serializer, HttpProducerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentNullException.ThrowIfNull(consecutor);
        ArgumentNullException.ThrowIfNull(serializer);
        if (!consecutor.HasStore)
            throw new InvalidOperationException(
                $"The consecutor {consecutor.Name} has no store, so an answer of 202 would promise more than is kept. Give it one: "
                    + $"ConsecutorOptions.Store; a MemoryStreamStore is enough for tests.");
        ILoggerFactory? loggers = endpoints.ServiceProvider.GetService<ILoggerFactory>();
        var producer = new HttpProducer<T>(consecutor, serializer, options ?? new(), loggers?.CreateLogger("Sluice.Hosting.Producer")
            ?? NullLogger.Instance,
            endpoints.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None);
        return endpoints.MapPost(pattern, producer.TakeAsync).WithDisplayName($"producer | {consecutor.Name}");
    }
}
