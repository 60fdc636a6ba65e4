using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Sluice.Hosting;

/// <summary>Consecutors that take in items over HTTP.</summary>
public static class ProducerEndpoints
{
    /// <summary>Takes in items by <c>POST</c>: <c>app.MapProducer("/payments", payments)</c>. Answered with 202 when they are as durable as the consecutor's store is, and not before.</summary>
    /// <remarks>
    /// <para>
    /// A body is one item (<c>application/json</c>), or one in each line (<c>application/x-ndjson</c>), which are accepted together or not at all. It is read by the consecutor's
    /// own serializer, as items of its type only, and strictly (<see cref="PayloadSerializer.AtDoor{T}"/>): members in any casing, all that an item needs, and no others. With the header <c>Idempotency-Key</c>, a request that is sent again within
    /// <see cref="HttpProducerOptions.IdempotencyWindow"/> gets its 202 again, and is not accepted again, also after a restart, and while the first one is under way.
    /// </para>
    /// <para>
    /// 202 accepted; 400 malformed, with line, byte and field; 408 too slow; 413 too long; 415 another content type; 422 the key was used for something else, or the item cannot be stored;
    /// 429 no room, with <c>Retry-After</c>; 503 the store or the consecutor does not work. All but 202 have a body of <c>application/problem+json</c>, and nothing was accepted; but with 503
    /// that is not known, so repeat it under the same key. Who may send is decided by what is added to the result, such as <c>RequireAuthorization</c>.
    /// </para>
    /// </remarks>
    /// <param name="endpoints">Where to.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="consecutor">Who gets the items. It remains the caller's to start and to stop; what is taken in before the start waits in its store.</param>
    /// <param name="options">Limits and waits.</param>
    /// <exception cref="InvalidOperationException">The consecutor has no store, so nothing that it takes in would be durable.</exception>
    public static IEndpointConventionBuilder MapProducer<T>(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Consecutor<T> consecutor, HttpProducerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(consecutor);
        return endpoints.MapProducer(pattern, consecutor, consecutor.Serializer, options);
    }

    /// <summary>Takes in items that are read by a serializer of the endpoint's own: <c>app.MapProducer("/payments", payments, PayloadSerializer.Json(ApiJson.Default.Payment))</c>.</summary>
    /// <inheritdoc cref="MapProducer{T}(IEndpointRouteBuilder, string, Consecutor{T}, HttpProducerOptions?)"/>
    /// <param name="endpoints">Where to.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="consecutor">Who gets the items. It remains the caller's to start and to stop; what is taken in before the start waits in its store.</param>
    /// <param name="serializer">Reads bodies; the store's form is the consecutor's, whatever this one is. Thread-safe.</param>
    /// <param name="options">Limits and waits.</param>
    public static IEndpointConventionBuilder MapProducer<T>(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Consecutor<T> consecutor, IPayloadSerializer<T> serializer, HttpProducerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentNullException.ThrowIfNull(consecutor);
        ArgumentNullException.ThrowIfNull(serializer);
        if (!consecutor.HasStore)
            throw new InvalidOperationException($"The consecutor {consecutor.Name} has no store, so 202 would promise what nobody keeps. Give it one: ConsecutorOptions.Store; a MemoryStreamStore is enough for tests.");
        ILoggerFactory? loggers = endpoints.ServiceProvider.GetService<ILoggerFactory>();
        var producer = new HttpProducer<T>(consecutor, serializer, options ?? new(), loggers?.CreateLogger("Sluice.Hosting.Producer") ?? NullLogger.Instance);
        return endpoints.MapPost(pattern, producer.TakeAsync).WithDisplayName($"producer | {consecutor.Name}");
    }
}
